// Package spool is a proxy's durable record of calls on local disk, between the gateway that writes and the shipper that inserts.
//
// A spool is a directory of append-only segments of about 8 MiB. A segment is a header and frames; a frame is length, CRC32C and
// payload. Intent and Final return after write(2): what they acknowledged survives the death of the process. One goroutine fsyncs
// in groups, so what was acknowledged more than GroupSync ago survives the death of the machine too (with Strict, everything).
//
// Invariants:
//   - A frame is visible to the reader, and counted, only after all of it was written. A half frame is cut back at once, or, when
//     even that fails, its segment is given up and the next one begun; after a crash it is cut at Open.
//   - Open never appends to an old segment, so a cursor can never point past data that a crash took away into data written later.
//   - A segment is removed when everything in it was shipped and none of its intents waits for its final.
//   - Each intent that a dead process left open becomes one Interrupted record, written into the spool itself by Open: however
//     often Open is interrupted, the record exists once.
//   - Shipping is at least once: the cursor may be lost, never run ahead. The database makes it exactly once by call id.
//
// Nobody waits for another's fsync: the lock is held for the write only.
package spool
