package replay

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
)

// frame of AWS's event stream: lengths, headers, payload, checksums.
type awsFrame struct {
	headers map[string]string
	payload []byte
	raw     []byte
}

// awsFrames cuts a body into frames; what is no whole frame is left over.
func awsFrames(body []byte) (frames []awsFrame, rest []byte) {
	for len(body) >= 16 {
		total, head := int(binary.BigEndian.Uint32(body)), int(binary.BigEndian.Uint32(body[4:]))
		if total < 16 || total > len(body) || head > total-16 {
			break
		}
		f := awsFrame{headers: map[string]string{}, payload: body[12+head : total-4], raw: body[:total]}
		for h := body[12 : 12+head]; len(h) > 0; {
			n := int(h[0])
			if len(h) < n+4 || h[n+1] != 7 { // only strings are used
				break
			}
			size := int(binary.BigEndian.Uint16(h[n+2:]))
			if len(h) < n+4+size {
				break
			}
			f.headers[string(h[1:n+1])] = string(h[n+4 : n+4+size])
			h = h[n+4+size:]
		}
		frames, body = append(frames, f), body[total:]
	}
	return frames, body
}

// AWSFrame makes a frame; kind is "event", "exception" or "error".
func AWSFrame(kind, name string, payload []byte) []byte {
	var head bytes.Buffer
	header := func(k, v string) {
		head.WriteByte(byte(len(k)))
		head.WriteString(k)
		head.WriteByte(7)
		_ = binary.Write(&head, binary.BigEndian, uint16(len(v)))
		head.WriteString(v)
	}
	header(map[string]string{"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}[kind], name)
	if kind == "error" {
		header(":error-message", string(payload))
		payload = nil
	} else {
		header(":content-type", "application/json")
	}
	header(":message-type", kind)
	var out bytes.Buffer
	word := func(n uint32) { _ = binary.Write(&out, binary.BigEndian, n) }
	word(uint32(16 + head.Len() + len(payload)))
	word(uint32(head.Len()))
	word(crc32.ChecksumIEEE(out.Bytes()))
	out.Write(head.Bytes())
	out.Write(payload)
	word(crc32.ChecksumIEEE(out.Bytes()))
	return out.Bytes()
}

// unwrapInvoke makes the maker's server-sent events of InvokeModel's frames.
func unwrapInvoke(body []byte) []byte {
	var out bytes.Buffer
	frames, _ := awsFrames(body)
	for _, f := range frames {
		if f.headers[":message-type"] != "event" {
			out.WriteString("event: error\ndata: {\"type\":\"error\",\"error\":" + awsProblem(f) + "}\n\n")
			continue
		}
		var chunk struct {
			Bytes []byte `json:"bytes"`
		}
		var e struct {
			Type string `json:"type"`
		}
		if json.Unmarshal(f.payload, &chunk) == nil && json.Unmarshal(chunk.Bytes, &e) == nil {
			out.WriteString("event: " + e.Type + "\ndata: ")
			out.Write(chunk.Bytes)
			out.WriteString("\n\n")
		}
	}
	return out.Bytes()
}

// wrapInvoke is the other way round.
func wrapInvoke(events []byte) []byte {
	var out []byte
	for _, e := range Events(events) {
		if e.Data != "" {
			out = append(out, AWSFrame("event", "chunk", []byte(`{"bytes":"`+base64.StdEncoding.EncodeToString([]byte(e.Data))+`"}`))...)
		}
	}
	return out
}

func awsProblem(f awsFrame) string {
	message := f.headers[":error-message"]
	var p struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(f.payload, &p) == nil && p.Message != "" {
		message = p.Message
	}
	raw, _ := json.Marshal(map[string]string{"message": message, "type": f.headers[":exception-type"] + f.headers[":error-code"]})
	return string(raw)
}
