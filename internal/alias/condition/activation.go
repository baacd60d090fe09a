package condition

import (
	"time"

	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// activation hands a call's facts to an expression as it asks for them.
type activation struct {
	facts *Facts
	zones map[string]*time.Location
}

var _ interpreter.FunctionActivation = activation{}

// Parent implements interpreter.Activation: there is none.
func (activation) Parent() interpreter.Activation { return nil }

// ResolveName implements interpreter.Activation.
func (a activation) ResolveName(name string) (any, bool) {
	if v := a.text(name); v != nil {
		return types.String(*v), true
	}
	if v := a.number(name); v != nil {
		return types.Int(*v), true
	}
	if v := a.flag(name); v != nil {
		return types.Bool(*v), true
	}
	now := a.facts.Now.UTC()
	switch name {
	case "hour":
		return types.Int(now.Hour()), true
	case "minute":
		return types.Int(now.Minute()), true
	case "weekday":
		return types.Int(now.Weekday()), true
	}
	return nil, false
}

func (a activation) text(name string) *string {
	switch f := a.facts; name {
	case "task":
		return &f.Task
	case "alias":
		return &f.Alias
	case "environment":
		return &f.Environment
	case "key":
		return &f.Key
	case "key_name":
		return &f.KeyName
	case "team":
		return &f.Team
	case "workflow":
		return &f.Workflow
	case "endpoint":
		return &f.Endpoint
	case "end_user":
		return &f.EndUser
	}
	return nil
}

func (a activation) number(name string) *int64 {
	switch f := a.facts; name {
	case "input_tokens":
		return &f.InputTokens
	case "max_tokens":
		return &f.MaxTokens
	case "messages":
		return &f.Messages
	}
	return nil
}

func (a activation) flag(name string) *bool {
	switch f := a.facts; name {
	case "images":
		return &f.Images
	case "audio":
		return &f.Audio
	case "documents":
		return &f.Documents
	case "tools":
		return &f.Tools
	case "json":
		return &f.JSON
	case "stream":
		return &f.Stream
	}
	return nil
}

// ResolveFunction implements interpreter.FunctionActivation.
func (a activation) ResolveFunction(name string) (functions.LateBoundOp, bool) {
	switch name {
	case tagFunction:
		return a.tag, true
	case hourFunction:
		return a.hour, true
	case weekdayFunction:
		return a.weekday, true
	}
	return nil, false
}

func (a activation) tag(_ string, args ...ref.Val) ref.Val {
	name, _ := args[0].(types.String)
	return types.String(a.facts.Tags[string(name)])
}

func (a activation) hour(_ string, args ...ref.Val) ref.Val {
	return types.Int(a.in(args[0]).Hour())
}

func (a activation) weekday(_ string, args ...ref.Val) ref.Val {
	return types.Int(a.in(args[0]).Weekday())
}

// in is now in a zone. The checker has loaded every zone that the expression names.
func (a activation) in(zone ref.Val) time.Time {
	name, _ := zone.(types.String)
	if at := a.zones[string(name)]; at != nil {
		return a.facts.Now.In(at)
	}
	return a.facts.Now.UTC()
}
