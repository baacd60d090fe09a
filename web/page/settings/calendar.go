package settings

import (
	"strconv"

	"tollgate/web/ui"
)

// zones are offered while one types; every other name of the IANA database is taken too.
func zones() []string {
	return []string{
		"UTC", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Argentina/Buenos_Aires", "America/Bogota", "America/Chicago", "America/Denver",
		"America/Halifax", "America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Santiago", "America/Sao_Paulo", "America/Toronto", "America/Vancouver",
		"Asia/Bangkok", "Asia/Dhaka", "Asia/Dubai", "Asia/Ho_Chi_Minh", "Asia/Hong_Kong", "Asia/Jakarta", "Asia/Jerusalem", "Asia/Karachi", "Asia/Kathmandu", "Asia/Kolkata",
		"Asia/Manila", "Asia/Riyadh", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Taipei", "Asia/Tehran", "Asia/Tokyo", "Australia/Adelaide", "Australia/Brisbane",
		"Australia/Perth", "Australia/Sydney", "Europe/Amsterdam", "Europe/Athens", "Europe/Berlin", "Europe/Brussels", "Europe/Bucharest", "Europe/Dublin", "Europe/Helsinki",
		"Europe/Istanbul", "Europe/Kyiv", "Europe/Lisbon", "Europe/London", "Europe/Madrid", "Europe/Oslo", "Europe/Paris", "Europe/Prague", "Europe/Rome", "Europe/Stockholm",
		"Europe/Vienna", "Europe/Warsaw", "Europe/Zurich", "Pacific/Auckland", "Pacific/Honolulu",
	}
}

func (v view) zoneField() ui.InputView {
	return ui.InputView{
		FieldView: ui.FieldView{Name: "time_zone", Label: "Time zone", Error: v.at(calendar, "time_zone"), Help: "A name of the IANA database, such as Europe/Berlin."},
		Value:     v.typed(calendar, "time_zone", v.Organization.TimeZone), List: "zones", Required: true, MaxLength: 64, Autocomplete: "off",
	}
}

func (v view) fiscalField() ui.InputView {
	return ui.InputView{
		FieldView: ui.FieldView{Name: "fiscal_day", Label: "Fiscal months start", Error: v.at(calendar, "fiscal_day"), Help: "1 to 28. On 1 a fiscal month is a month."},
		Value:     v.typed(calendar, "fiscal_day", strconv.Itoa(v.Organization.FiscalDay)), Before: "on day", Inputmode: "numeric", Required: true, MaxLength: 2,
	}
}

// now says what time it is there.
func (v view) now() string {
	return "It is " + v.Clock.Now.In(v.Organization.Zone()).Format("Mon 2 Jan, 15:04") + " there."
}
