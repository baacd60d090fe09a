// Command api is one part of Tollgate as a process of its own; cmd/tollgate runs all of them in one.
package main

import "tollgate/internal/app"

func main() { app.Main("api", app.API) }
