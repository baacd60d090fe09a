package app

// version is of the program; a release sets it with -ldflags "-X tollgate/internal/app.version=…".
var version = "dev"
