// Package vendors holds one JSON file for each upstream API, named by the vendor's id. Package catalog reads them.
package vendors

import "embed"

// Files are the embedded vendor files.
//
//go:embed *.json
var Files embed.FS
