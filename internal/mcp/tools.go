package mcp

import "tollgate/internal/tenant"

// tools are all that an agent can do, in the order in which it would.
func (s *server) tools() []tool {
	return []tool{
		{"list_prompts", "List prompts", "Lists prompts by name, with their labels and newest version.", tenant.ReadPrompts, reads, handle(s.listPrompts)},
		{
			"get_prompt", "Read a prompt", "Reads a prompt and one of its versions: by label, by number, or the one in production.",
			tenant.ReadPrompts, reads, handle(s.getPrompt),
		},
		{
			"render_prompt", "Render a prompt", "Fills a version in with variables, as the gateway would. No model is called.",
			tenant.ReadPrompts, reads, handle(s.renderPrompt),
		},
		{
			"check_prompt", "Check a version", "Says everything that is wrong with content, and how its test cases go, without saving it.",
			tenant.ReadPrompts, reads, handle(s.checkPrompt),
		},
		{
			"diff_versions", "Compare two versions", "Shows what differs between two versions of a prompt: text line by line, and settings.",
			tenant.ReadPrompts, reads, handle(s.diffVersions),
		},
		{
			"list_moves", "List moves of labels", "Lists who moved which label of a prompt and when, newest first: where to roll back to.",
			tenant.ReadPrompts, reads, handle(s.listMoves),
		},
		{
			"prompt_metrics", "Measure a prompt", "Tells calls, errors, cost, latency and scores of a prompt by version or label over a span of time.",
			tenant.ReadCosts, reads, handle(s.promptMetrics),
		},
		{
			"create_prompt", "Create a prompt", "Makes a prompt with its first version, and may put labels on it.",
			tenant.WritePrompts, adds, handle(s.createPrompt),
		},
		{
			"publish_version", "Publish a version", "Makes the next version of a prompt from content. Applications use it only where a label is put on it.",
			tenant.WritePrompts, changes, handle(s.publishVersion),
		},
		{
			"move_label", "Move a label", "Puts a label on a version. Applications that use the label get it on their next call, within a second.",
			tenant.WritePrompts, changes, handle(s.moveLabel),
		},
		{
			"ask_for_move", "Ask for a move", "Asks an owner or admin to move a label that you may not move, with a reason.",
			tenant.WritePrompts, adds, handle(s.askForMove),
		},
	}
}
