package client

import (
	"strings"

	"tollgate/internal/key"
	"tollgate/web/ui"
)

func (c Caller) apps() []entry {
	return []entry{c.openWebUI(), c.libreChat()}
}

func (c Caller) openWebUI() entry {
	e := entry{name: "Open WebUI", notes: []string{"In one that runs already: Admin Panel → Settings → Connections → OpenAI API."}, code: []snippet{
		{"Shell", ui.Shell, `docker run -d --name open-webui -p 3000:8080 \
  -e OPENAI_API_BASE_URL="{openai}" \
  -e OPENAI_API_KEY="{key}" \
  -v open-webui:/app/backend/data \
  ghcr.io/open-webui/open-webui:main`, []string{addsChat, "/models"}},
	}}
	if c.private() {
		e.notes = append(e.notes, "Inside a container this machine is `host.docker.internal`, not `localhost` or `127.0.0.1`.")
	}
	return c.listing(e)
}

func (c Caller) libreChat() entry {
	var names []string
	for _, m := range c.chats() {
		names = append(names, `"`+m.Name+`"`)
	}
	fetch := "true"
	if !c.May(key.ModelsEndpoint) {
		fetch = "false"
	}
	return c.listing(entry{name: "LibreChat", notes: []string{"Put `{var}=…` into its `.env`. Titles of conversations are calls of their own, to `titleModel`."}, code: []snippet{
		{"librechat.yaml", ui.YAML, `endpoints:
  custom:
    - name: "Tollgate"
      apiKey: "${{var}}"
      baseURL: "{openai}"
      models:
        default: [` + strings.Join(names, ", ") + `]
        fetch: ` + fetch + `
      titleConvo: true
      titleModel: "{model}"
      modelDisplayLabel: "Tollgate"`, []string{addsChat, "/models"}},
	}})
}

// listing says what a key misses whose client wants the list of models.
func (c Caller) listing(e entry) entry {
	if !c.May(key.ModelsEndpoint) {
		e.notes = append(e.notes, "This key may not list models, so the app's picker stays empty: allow the endpoint `models`, or type the names.")
	}
	return e
}
