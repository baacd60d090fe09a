// Package ui holds the parts that pages are made of: pure formatting (MoneyText, SpanText, …) and small templ components that take
// plain values and ask nothing. A page writes the markup that is its own and uses these for everything that must look the same
// everywhere. No part carries a style attribute or a script: geometry is SVG in percent, colour is a class, and every switch, filter
// and page is a link, because the URL is the state.
//
// A page in outline:
//
//	templ costs(v view) {
//		@ui.Head(ui.HeadView{Title: "Costs", Fresh: &v.Fresh}) {
//			@ui.CopyLink()
//		}
//		@ui.Figures("Totals", ui.Compact) {
//			@ui.Figure(ui.FigureView{Name: "Spend", Badge: "exact", Value: ui.MoneyText(v.Spend)}) {
//				@ui.Change(ui.DeltaOf(int64(v.Spend), int64(v.Before), ui.Neither))
//				from { ui.MoneyText(v.Before) }
//			}
//		}
//		<section class="card" aria-labelledby="days-h">
//			@ui.CardHead("days-h", "Spend by day") {
//				@ui.Legend(v.Days.Series)
//			}
//			<div class="card-body">
//				@ui.DayBars(v.Days)
//			</div>
//		</section>
//		<section class="card" aria-labelledby="rows-h">
//			@ui.TableWrap("Spend by team") {
//				<table class="table">
//					<thead>
//						<tr>
//							@ui.Column(ui.ColumnView{Text: "Team"})
//							@ui.Column(ui.ColumnView{Text: "Spend", Number: true, Href: v.BySpend, Sorted: ui.Descending})
//						</tr>
//					</thead>
//					…
//				</table>
//			}
//			@ui.Pager(ui.PagerView{Text: "50 of 212", Older: v.Older})
//		</section>
//	}
//
// Rules that the parts cannot enforce: the first column of a table is its name and link (<th scope="row">); numbers carry class n; a
// row that j and k should reach carries data-row; one primary button a page; a form keeps what was typed after any error.
package ui
