// Package providertest holds what every dialect is tested with: one suite of guarantees (Exercise), and the recorded traffic of
// real providers where it is at hand (Recorded).
package providertest
