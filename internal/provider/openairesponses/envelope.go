package openairesponses

import (
	"strconv"

	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// envelope is OpenAI's, but for what a stream ends with.
type envelope struct{ openaichat.Envelope }

// AppendStreamError writes the failure twice, because clients look for it in different places: the SDKs raise at an event with an
// error, in the old flat form or in the nested one; Codex looks only at response.failed.
func (envelope) AppendStreamError(dst []byte, p provider.Problem) []byte {
	dst = append(dst, "event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"code\":"...)
	dst = wire.AppendOptional(dst, p.Code)
	dst = append(dst, `,"message":`...)
	dst = wire.AppendString(dst, p.Message)
	dst = append(dst, `,"param":`...)
	dst = wire.AppendOptional(dst, p.Field)
	dst = append(dst, `,"request_id":`...)
	dst = wire.AppendOptional(dst, p.CallID)
	dst = append(dst, `,"error":`...)
	dst = openaichat.AppendProblem(dst, p)
	dst = append(dst, "}\n\nevent: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":1,\"response\":"...)
	a := answer{ID: answerID(p.CallID), Status: "failed"}
	a.Error = wire.Marshal(map[string]string{"code": failureCode(p), "message": p.Message})
	dst = a.append(dst)
	return append(dst, "}\n\n"...)
}

// failureCode is a word that clients of this API know, where there is one: Codex tells by it whether to try again.
func failureCode(p provider.Problem) string {
	switch {
	case p.Provider != nil && p.Provider.Code != "":
		return p.Provider.Code
	case p.Status == 429:
		return "rate_limit_exceeded"
	case p.Status >= 500 || p.Code == "":
		return "server_error"
	}
	return p.Code
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
