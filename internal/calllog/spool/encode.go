package spool

import (
	"encoding/binary"
	"hash/crc32"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/id"
)

// A frame is: payload length (4 bytes, little endian), CRC32C of those 4 bytes and the payload (4 bytes), payload.
// A payload is: version, kind, call id (16 bytes), then the fields of the record in a fixed order. Integers are varints,
// strings and lists are preceded by their length. Fields are only ever added under a new version, and every version is read:
//
//	1  the fields up to Attempts and Payload
//	2  flagTold of a record and an attempt, with the provider's cost behind it; the warnings
//	3  behind the warnings, where flagRouted is set: task, experiment, signals, batch and decision
//	4  behind these, where flagCharged is set: the key's secret, charges and checks
//	5  behind these, where flagPrompted is set: the prompt, its version and label
const (
	frameHead    = 8
	payloadHead  = 2 + 16
	versionFirst = 1
	version      = 5
	payloadMax   = 16 << 20 // no payload is longer; a longer length is damage
	kindIntent   = 1
	kindFinal    = 2
	kindPad      = 3 // carries nothing; written to find out whether the disk takes writes again
	kindVoid     = 4 // takes an intent back: its call ended elsewhere
	segmentMagic = "TGSPOOL\x01"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Bits of the flags byte of a record and of an attempt.
const (
	flagStream = 1 << iota
	flagEstimated
	flagPayload
	flagCut
	flagTold     // what the provider said it cost follows
	flagRouted   // how the call was routed follows
	flagCharged  // what budgets and limits did follows
	flagPrompted // what the registry put into the call follows; the last bit of the byte
)

// appendFrame appends one whole frame to b.
func appendFrame(b []byte, kind byte, r *calllog.Record) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, version, kind)
	b = append(b, r.ID[:]...)
	b = appendRecord(b, r)
	return sealFrame(b, start)
}

// appendVoid appends a frame that takes a call's intent back.
func appendVoid(b []byte, call id.Call) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, version, kindVoid)
	return sealFrame(append(b, call[:]...), start)
}

// appendPad appends a frame that means nothing.
func appendPad(b []byte, size int) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, version, kindPad)
	b = append(b, make([]byte, 16+size)...)
	return sealFrame(b, start)
}

func sealFrame(b []byte, start int) []byte {
	frame := b[start:]
	binary.LittleEndian.PutUint32(frame, uint32(len(frame)-frameHead))
	binary.LittleEndian.PutUint32(frame[4:], checksum(frame[:4], frame[frameHead:]))
	return b
}

func checksum(length, payload []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, length), castagnoli, payload)
}

func appendRecord(b []byte, r *calllog.Record) []byte {
	var flags byte
	if r.Stream {
		flags |= flagStream
	}
	if r.Estimated {
		flags |= flagEstimated
	}
	if r.Payload != nil {
		flags |= flagPayload
		if r.Payload.Cut {
			flags |= flagCut
		}
	}
	if r.ProviderCost != nil {
		flags |= flagTold
	}
	if routed(r) {
		flags |= flagRouted
	}
	if charged(r) {
		flags |= flagCharged
	}
	if prompted(r) {
		flags |= flagPrompted
	}
	b = append(b, flags)
	b = appendString(b, string(r.Org))
	b = appendString(b, string(r.Team))
	b = appendString(b, string(r.Key))
	b = appendString(b, r.Environment)
	b = appendString(b, r.Workflow)
	b = appendString(b, r.EndUser)
	b = binary.AppendUvarint(b, uint64(len(r.Tags)))
	for k, v := range r.Tags {
		b = appendString(appendString(b, k), v)
	}
	b = appendString(b, r.Endpoint)
	b = appendString(b, r.Dialect)
	b = appendString(b, r.Requested)
	b = appendString(b, r.Alias)
	b = binary.AppendVarint(b, int64(r.AliasVersion))
	b = appendString(b, r.Provider)
	b = appendString(b, r.Model)
	b = binary.AppendVarint(b, int64(r.Status))
	b = appendString(b, string(r.Outcome))
	b = appendString(b, r.ErrorCode)
	b = appendString(b, string(r.Finish))
	b = appendUsage(b, &r.Usage)
	b = binary.AppendVarint(b, int64(r.Cost))
	b = appendString(b, string(r.Price))
	b = binary.AppendVarint(b, int64(r.Duration))
	b = binary.AppendVarint(b, int64(r.FirstByte))
	b = binary.AppendVarint(b, int64(r.Overhead))
	b = binary.AppendVarint(b, r.RequestBytes)
	b = binary.AppendVarint(b, r.ResponseBytes)
	b = binary.AppendUvarint(b, uint64(len(r.Marks)))
	for i := range r.Marks {
		b = appendString(b, r.Marks[i].Stage)
		b = binary.AppendVarint(b, int64(r.Marks[i].At))
	}
	b = binary.AppendUvarint(b, uint64(len(r.Attempts)))
	for i := range r.Attempts {
		b = appendAttempt(b, &r.Attempts[i])
	}
	if r.ProviderCost != nil {
		b = binary.AppendVarint(b, int64(*r.ProviderCost))
	}
	b = binary.AppendUvarint(b, uint64(len(r.Warnings)))
	for _, w := range r.Warnings {
		b = appendString(b, w)
	}
	if flags&flagRouted != 0 {
		b = appendRouting(b, r)
	}
	if flags&flagCharged != 0 {
		b = appendCharges(b, r)
	}
	if flags&flagPrompted != 0 {
		b = appendPrompt(b, r)
	}
	if r.Payload != nil {
		b = binary.AppendUvarint(b, uint64(len(r.Payload.Request)))
		b = append(b, r.Payload.Request...)
		b = binary.AppendUvarint(b, uint64(len(r.Payload.Response)))
		b = append(b, r.Payload.Response...)
	}
	return b
}

func appendAttempt(b []byte, a *calllog.Attempt) []byte {
	b = binary.AppendVarint(b, int64(a.Number))
	b = appendString(b, a.Provider)
	b = appendString(b, a.Model)
	b = appendString(b, string(a.Credential))
	b = binary.AppendVarint(b, int64(a.Start))
	b = binary.AppendVarint(b, int64(a.FirstByte))
	b = binary.AppendVarint(b, int64(a.Duration))
	b = binary.AppendVarint(b, int64(a.Status))
	b = appendString(b, a.ErrorClass)
	b = appendString(b, a.UpstreamID)
	b = appendUsage(b, &a.Usage)
	b = binary.AppendVarint(b, int64(a.Cost))
	b = appendString(b, string(a.Price))
	b = appendString(b, string(a.PriceID))
	if a.ProviderCost == nil {
		return append(b, 0)
	}
	return binary.AppendVarint(append(b, flagTold), int64(*a.ProviderCost))
}

// appendUsage writes the source, a bit for each class that has units, and those units: most classes of most calls are empty.
func appendUsage(b []byte, u *chat.Usage) []byte {
	var have uint64
	for c, n := range u.Units {
		if n != 0 {
			have |= 1 << c
		}
	}
	b = append(b, byte(u.Source))
	b = binary.AppendUvarint(b, have)
	for _, n := range u.Units {
		if n != 0 {
			b = binary.AppendVarint(b, n)
		}
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
