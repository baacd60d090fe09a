// Package stat is the statistics of A/B tests that are looked at while they run: sums of units' values, the difference of two arms with
// an interval that holds at every look and one that holds at the planned end, goals, guardrails, the fairness of the split, quantiles, and
// what a test of some length can see.
//
// The model. A unit (a conversation, a user, a request) belongs to one arm and has one value of each metric: its cost, its mean score. Units
// are independent, the calls of a unit are not, so nothing here counts calls as evidence. A Sums holds the moments of the units' values; it
// is a value, merges with others in any order, and is all that a look needs. A Test spends its error budget, 0.05, in two parts: Sequence
// on a confidence sequence, which holds at all looks together, and Fixed on one Welch interval at the planned end. Their sum bounds the chance that a
// difference is claimed where there is none, by the union bound; it is shared by the comparisons with the control, again by the union bound.
//
// The package is pure: no clock, no storage, no global randomness. It imports nothing of Tollgate's and could stand alone. What it promises is
// measured by its tests; docs/experiments-method.md has the figures.
//
// Sources:
//   - Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit theory and asymptotic confidence sequences, Annals of
//     Statistics 52 (2024); the two-sided form with its tuning is the one that GrowthBook documents as "sequential testing".
//   - Howard, Ramdas, McAuliffe, Sekhon: Time-uniform, nonparametric, nonasymptotic confidence sequences, Annals of Statistics 49 (2021).
//   - Deng, Xu, Kohavi, Walker: Improving the sensitivity of online controlled experiments by utilizing pre-experiment data, WSDM 2013 (CUPED).
//   - Deng, Knoblich, Lu: Applying the delta method in metric analytics, KDD 2018.
//   - Fieller: Some problems in interval estimation, JRSS B 16 (1954), for relative differences; Johnson, JASA 73 (1978), and Hall, JRSS B 54
//     (1992), for lopsided values; Agresti, Caffo, American Statistician 54 (2000), for shares near 0 and 1.
//   - Lindon, Malek: Anytime-valid inference for multinomial count data, NeurIPS 2022, for the fairness of the split.
//   - Welford: Note on a method for calculating corrected sums of squares and products, Technometrics 4 (1962); Chan, Golub, LeVeque (1979)
//     for merging.
//   - Berger: Multiparameter hypothesis testing and acceptance sampling, Technometrics 24 (1982), for claims that need several bounds at once.
package stat
