package gemini_test

import (
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/provider/gemini"
	"tollgate/internal/provider/providertest"
)

func TestASchemaIsOrderedWithoutLookingEveryNameUp(t *testing.T) { //nolint:paralleltest // it measures time
	providertest.Linear(t, 1000, func(n int) func() {
		var order, properties []string
		for i := range n {
			order = append(order, fmt.Sprintf(`"p%d"`, i))
			properties = append(properties, fmt.Sprintf(`"p%d":{"type":"STRING"}`, n-1-i))
		}
		body := []byte(`{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"responseMimeType":"application/json","responseSchema":` +
			`{"type":"OBJECT","propertyOrdering":[` + strings.Join(order, ",") + `],"properties":{` + strings.Join(properties, ",") + `}}}}`)
		return func() {
			if _, err := (gemini.Dialect{}).ParseRequest(body); err != nil {
				t.Error(err)
			}
		}
	})
}
