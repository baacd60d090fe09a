// Command tollgate is everything in one process over an embedded Postgres, and the command line.
package main

import "tollgate/internal/app"

func main() { app.Tollgate() }
