package lease

import "errors"

// errReply is for an authority that did not answer every ask.
var errReply = errors.New("lease: the authority's answer is not one to what was asked")
