package condition

import (
	"math"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// The bounds of a condition.
const (
	textBytesMax    = 1000
	nodesMax        = 250
	depthMax        = 32
	patternSizeMax  = 400 // instructions of the compiled pattern
	patternCountMax = 4
)

// kind is the type of a fact.
type kind = *cel.Type

// names are the facts as expressions call them. resolve in activation.go knows the same ones.
var names = map[string]kind{
	"task": cel.StringType, "alias": cel.StringType, "environment": cel.StringType, "key": cel.StringType, "key_name": cel.StringType,
	"team": cel.StringType, "workflow": cel.StringType, "endpoint": cel.StringType, "end_user": cel.StringType,
	"input_tokens": cel.IntType, "max_tokens": cel.IntType, "messages": cel.IntType,
	"images": cel.BoolType, "audio": cel.BoolType, "documents": cel.BoolType, "tools": cel.BoolType, "json": cel.BoolType, "stream": cel.BoolType,
	"hour": cel.IntType, "minute": cel.IntType, "weekday": cel.IntType,
}

// The functions of our own. They ask the call, so they are bound when it is there.
const (
	tagFunction     = "tag"
	hourFunction    = "hour"
	weekdayFunction = "weekday"
)

// standard is what is taken over from CEL as it is. Nothing here can fail on arguments of its types.
var standard = []*env.Function{
	env.NewFunction(operators.LogicalAnd), env.NewFunction(operators.LogicalOr), env.NewFunction(operators.LogicalNot),
	env.NewFunction(operators.Conditional), env.NewFunction(operators.Equals), env.NewFunction(operators.NotEquals),
	env.NewFunction(operators.In, env.NewOverload(overloads.InList, nil, nil)),
	env.NewFunction(operators.Less, env.NewOverload(overloads.LessInt64, nil, nil)),
	env.NewFunction(operators.LessEquals, env.NewOverload(overloads.LessEqualsInt64, nil, nil)),
	env.NewFunction(operators.Greater, env.NewOverload(overloads.GreaterInt64, nil, nil)),
	env.NewFunction(operators.GreaterEquals, env.NewOverload(overloads.GreaterEqualsInt64, nil, nil)),
	env.NewFunction(overloads.Contains), env.NewFunction(overloads.StartsWith), env.NewFunction(overloads.EndsWith),
	env.NewFunction(overloads.Matches),
	env.NewFunction(overloads.Size, env.NewOverload(overloads.SizeString, nil, nil), env.NewOverload(overloads.SizeStringInst, nil, nil)),
}

// arithmetic is CEL's on whole numbers, but where CEL fails on overflow a sum stops at the largest number.
var arithmetic = []struct {
	name, overload string
	of             func(a, b int64) int64
}{
	{operators.Add, overloads.AddInt64, add},
	{operators.Subtract, overloads.SubtractInt64, func(a, b int64) int64 {
		if b == math.MinInt64 {
			return add(add(a, math.MaxInt64), 1)
		}
		return add(a, -b)
	}},
	{operators.Multiply, overloads.MultiplyInt64, multiply},
	{operators.Divide, overloads.DivideInt64, func(a, b int64) int64 { return a / max(b, 1) }}, // check lets positive constants through only
	{operators.Modulo, overloads.ModuloInt64, func(a, b int64) int64 { return a % max(b, 1) }},
}

func add(a, b int64) int64 {
	switch sum := a + b; {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && sum >= 0:
		return math.MinInt64
	default:
		return sum
	}
}

func multiply(a, b int64) int64 {
	if a == 0 || b == 0 {
		return 0
	}
	if p := a * b; p/b == a && (a != math.MinInt64 || b != -1) {
		return p
	}
	if (a < 0) == (b < 0) {
		return math.MaxInt64
	}
	return math.MinInt64
}

// language is CEL with what is above and nothing else. Building it costs about as much as a hundred conditions.
var language = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(&env.LibrarySubset{DisableMacros: true, IncludeFunctions: standard})),
		cel.ParserExpressionSizeLimit(textBytesMax), cel.ExpressionNodeLimit(nodesMax), cel.ParserRecursionLimit(depthMax),
		cel.RegexProgramSizeLimit(patternSizeMax),
		cel.Function(tagFunction, cel.Overload("tag_string", []*cel.Type{cel.StringType}, cel.StringType, cel.LateFunctionBinding())),
		cel.Function(hourFunction, cel.Overload("hour_string", []*cel.Type{cel.StringType}, cel.IntType, cel.LateFunctionBinding())),
		cel.Function(weekdayFunction, cel.Overload("weekday_string", []*cel.Type{cel.StringType}, cel.IntType, cel.LateFunctionBinding())),
		cel.Function(operators.Negate, cel.Overload(overloads.NegateInt64, []*cel.Type{cel.IntType}, cel.IntType,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Int(multiply(integer(v), -1)) }))),
	}
	for _, a := range arithmetic {
		options = append(options, cel.Function(a.name, cel.Overload(a.overload, []*cel.Type{cel.IntType, cel.IntType}, cel.IntType,
			cel.BinaryBinding(func(x, y ref.Val) ref.Val { return types.Int(a.of(integer(x), integer(y))) }))))
	}
	for name, kind := range names {
		options = append(options, cel.Variable(name, kind))
	}
	return cel.NewCustomEnv(options...)
})

// integer is a number's value; the checker lets nothing else through.
func integer(v ref.Val) int64 {
	n, _ := v.(types.Int)
	return int64(n)
}
