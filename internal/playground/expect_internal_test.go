package playground

import (
	"errors"
	"strings"
	"testing"

	"tollgate/internal/fault"
)

func TestChecksAreHeldAgainstAnswers(t *testing.T) {
	t.Parallel()
	schema := func(_, document []byte) (bool, error) {
		if strings.Contains(string(document), "?") {
			return false, errors.New("nobody knows")
		}
		return string(document) == `{"a":1}` || string(document) == "{\"a\":1}\n", nil
	}
	for _, c := range []struct {
		check            Check
		answer, expected string
		want             bool
	}{
		{Check{Kind: Equals}, " yes\n", "yes", true},
		{Check{Kind: Equals}, "yes!", "yes", false},
		{Check{Kind: Equals, Value: "no"}, "yes", "yes", false},
		{Check{Kind: Contains}, "Oh YES indeed", "yes", true},
		{Check{Kind: Contains}, "no", "yes", false},
		{Check{Kind: Contains}, "anything", "", true},
		{Check{Kind: Matches, Value: `^\d+$`}, "42", "", true},
		{Check{Kind: Matches, Value: `^\d+$`}, "42!", "", false},
		{Check{Kind: Matches}, "x", "(", false},
		{Check{Kind: Conforms, Value: "{}"}, `{"a":1}`, "", true},
		{Check{Kind: Conforms, Value: "{}"}, "```json\n{\"a\":1}\n```", "", true},
		{Check{Kind: Conforms, Value: "{}"}, "no", "", false},
		{Check{Kind: Conforms, Value: "{}"}, "?", "", false},
	} {
		if got := c.check.judge(c.answer, &Row{Expected: c.expected}, schema); got.OK != c.want {
			t.Errorf("%+v of %q against %q = %+v", c.check, c.answer, c.expected, got)
		}
	}
}

func TestChecksThatCanHoldForNothingAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []Check{{Kind: "maybe"}, {Kind: Matches, Value: "("}, {Kind: Conforms}, {Kind: Conforms, Value: "[]"}, {Kind: Equals, Value: strings.Repeat("x", documentMax+1)}} {
		if err := c.check(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", c.Kind, err)
		}
	}
}

func TestAJudgeThatGivesNoScoreGivesNone(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"", "good", `{"score": 2}`, `{"score": "1"}`, `{"reason": "x"}`, "}{"} {
		if score, _ := opinion(said); score != nil {
			t.Errorf("opinion(%q) = %v", said, *score)
		}
	}
	if score, why := opinion("Sure: {\"score\": 0, \"reason\": \"bad\"}"); score == nil || *score != 0 || why != "bad" {
		t.Errorf("opinion = %v, %q", score, why)
	}
}

func TestASetupIsRefusedAtTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	hot := 3.0
	for field, s := range map[string]Setup{
		"columns":     {},
		"temperature": {Columns: []Column{{Temperature: &hot}}},
		"max_tokens":  {Columns: []Column{{MaxTokens: -1}}},
		"prompt":      {Columns: []Column{{Version: 1, Label: "x"}}},
		"tools":       {Columns: []Column{{}}, Tools: []byte(`{}`)},
		"schema":      {Columns: []Column{{}}, Schema: []byte(`{"a":`)},
		"images":      {Columns: []Column{{}}, Images: []string{"http://example.com/a.png"}},
		"message":     {Columns: []Column{{}}, Message: strings.Repeat("x", messageMax+1)},
	} {
		err := s.check()
		if err == nil || !strings.Contains(err.Error()+fieldOf(err), field) {
			t.Errorf("%s: %v at %q", field, err, fieldOf(err))
		}
	}
	fine := Setup{Columns: []Column{{}}, Images: []string{"https://example.com/a.png", "data:image/png;base64,AAAA"}, Tools: []byte(` [ ]`), Schema: []byte(`{}`)}
	if err := fine.check(); err != nil {
		t.Errorf("a setup that is fine: %v", err)
	}
}

func fieldOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Field
	}
	return ""
}
