package mail_test

import (
	"bufio"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"tollgate/internal/notice"
	"tollgate/internal/notice/mail"
)

// server takes one mail, as any server would, and gives what it was told.
func server(t *testing.T) (addr string, got <-chan string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	said := make(chan string, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		say := func(s string) { _, _ = c.Write([]byte(s + "\r\n")) }
		say("220 test")
		var all strings.Builder
		data := false
		for lines := bufio.NewScanner(c); lines.Scan(); {
			l := lines.Text()
			all.WriteString(l + "\n")
			switch {
			case data && l == ".":
				data = false
				say("250 taken")
			case data:
			case strings.HasPrefix(l, "EHLO"):
				say("250-test\r\n250 8BITMIME")
			case l == "DATA":
				data = true
				say("354 go on")
			case l == "QUIT":
				say("221 bye")
				said <- all.String()
				return
			default:
				say("250 ok")
			}
		}
	}()
	return ln.Addr().String(), said
}

func TestAMailSaysWhatHappenedAndWhere(t *testing.T) {
	t.Parallel()
	addr, got := server(t)
	s, err := mail.New("smtp://"+addr, "tollgate@example.com")
	if err != nil {
		t.Fatal(err)
	}
	m := notice.Message{
		Notice: notice.Notice{ID: "note_1", New: notice.New{Kind: notice.BudgetMark, Title: "A budget is at 90 %", Text: "Raise it.", At: time.Unix(1_900_000_000, 0)}},
		Org:    "Acme", Link: "https://tollgate.example.com/budgets/bud_1",
	}
	if _, err := s.Send(t.Context(), notice.Private{Target: "ops@example.com"}, m); err != nil {
		t.Fatal(err)
	}
	text := <-got
	for _, part := range []string{"RCPT TO:<ops@example.com>", "MAIL FROM:<tollgate@example.com>", "[Acme] A budget is at 90 %", "Raise it.", "https://tollgate.example.com/budgets/bud_1", "note_1@tollgate"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

func TestWithoutAServerMailIsKept(t *testing.T) {
	t.Parallel()
	s, err := mail.New("", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Send(t.Context(), notice.Private{}, notice.Message{}); !errors.Is(err, notice.ErrKept) {
		t.Error(err)
	}
	for _, bad := range []string{"http://a", "smtp://", "smtp://a/b/c", "%"} {
		if _, err := mail.New(bad, "a@example.com"); err == nil || strings.Contains(err.Error(), "%") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
