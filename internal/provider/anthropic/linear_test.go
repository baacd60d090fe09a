package anthropic_test

import (
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/providertest"
)

func TestAThousandMessagesOfOneRoleAreJoinedInOnePass(t *testing.T) { //nolint:paralleltest // it measures time
	providertest.Linear(t, 4000, func(n int) func() {
		r := chat.Request{Model: "claude-haiku-4-5"}
		for range n {
			r.Messages = append(r.Messages, chat.Message{Role: chat.User, Parts: []chat.Part{{Kind: chat.Text, Text: "hi"}}})
		}
		return func() {
			if _, err := (anthropic.Dialect{}).BuildRequest(r); err != nil {
				t.Error(err)
			}
		}
	})
}
