package experiments

import (
	"context"

	"tollgate/web/layout"
	"tollgate/web/page"
)

// Method explains how a verdict comes about.
func (p Experiments) Method(context.Context, *page.Visit) (page.Reply, error) {
	return page.Show(layout.Frame{Title: "How the verdict is made", Active: layout.Experiments}, method()), nil
}
