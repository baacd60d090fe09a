package budget

import (
	"fmt"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/money"
)

// Audit is what going over the books found.
type Audit struct {
	At          time.Time
	Pots        int           // gone over
	Calls       int           // whose charges were compared with what was settled
	Covered     money.NanoUSD // spent and not yet counted as committed: it is now. A moment's lag, and no difference
	Astray      money.NanoUSD // settled on pots that the authority has never heard of
	Differences []Difference  // the first DifferencesMax
	Count       int           // of all differences; 0: the books are right
}

// DifferencesMax is how many differences an Audit lists.
const DifferencesMax = 1000

// Rule names one of the equations that must hold.
type Rule string

// The rules.
const (
	RuleGranted   Rule = "granted"   // a lease was granted what its entries grant and overrun
	RuleReturned  Rule = "returned"  // a lease returned what its entries return
	RuleSettled   Rule = "settled"   // a holder settled what its entries settle
	RuleCommitted Rule = "committed" // a pot is committed to what its leases have, and its adjustments
	RuleAdjusted  Rule = "adjusted"  // a pot is adjusted by what its entries adjust
	RuleCharged   Rule = "charged"   // the calls that came into the log together were charged what was settled with them
	RuleLent      Rule = "lent"      // when a pot last lent it was within its limit
)

// Difference is an equation that does not hold.
type Difference struct {
	Rule   Rule
	Org    id.Org
	Budget id.Budget // "": not known
	Pot    id.Pot
	Holder id.Holder     // zero: of the whole pot
	Should money.NanoUSD // by the entries; of RuleCharged by the calls, of RuleLent the limit
	Is     money.NanoUSD
}

// Evidence is what a provider itself says that a call, or one request to it, cost. Either Call or Upstream is set.
type Evidence struct {
	Line     int           // of the file, from 1
	Call     id.Call       // all attempts of the call together
	Upstream string        // the provider's id of one answer
	Cost     money.NanoUSD // 0 or more
}

// Reconciled is what evidence changed.
type Reconciled struct {
	Calls    int           // that were found
	Adjusted int           // entries made: one for each call and pot where the charge was not what it cost
	Net      money.NanoUSD // of those, signed: negative where less was spent than charged
	Problems []Problem     // evidence that could not be used
}

// Problem is evidence that could not be used, and why.
type Problem struct {
	Line int // of the file
	Text string
}

// HeldBy is money that a silent holder has in hand.
type HeldBy struct {
	Holder id.Holder
	Proxy  string
	SeenAt time.Time
	Org    id.Org
	Budget id.Budget
	Period Period
	From   time.Time // of the window; zero: of a total
	Pot    id.Pot
	Amount money.NanoUSD
}

// Text says the difference in words.
func (d Difference) Text() string {
	what := map[Rule]string{
		RuleGranted: "a lease has been granted", RuleReturned: "a lease has returned", RuleSettled: "a holder has settled",
		RuleCommitted: "the pot is committed to", RuleAdjusted: "the pot is adjusted by", RuleCharged: "for calls was settled",
		RuleLent: "when it last lent, the pot was committed to",
	}[d.Rule]
	by := map[Rule]string{RuleCharged: "its calls were charged", RuleLent: "its limit was"}[d.Rule]
	if by == "" {
		by = "by the entries it should be"
	}
	return fmt.Sprintf("pot %s: %s $%s; %s $%s", d.Pot, what, d.Is.USD(), by, d.Should.USD())
}
