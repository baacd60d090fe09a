//go:build unix && !linux

package embedded

import "syscall"

// dieWithParent does nothing where the kernel offers no such thing: the next start ends the server that was left.
func dieWithParent(*syscall.SysProcAttr) {}
