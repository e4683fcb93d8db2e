package gateway

import (
	"strings"
	"testing"
	"time"
)

// TestTaskIDs has two sessions of a server count their tasks alike, and one principal guess another's.
func TestTaskIDs(t *testing.T) {
	t.Parallel()
	all := newTasks(10, 10, time.Hour)
	one, other := &link{}, &link{}
	begin := func(principal, own string, l *link) (string, *task) {
		t.Helper()
		if !all.reserve(principal) {
			t.Fatal("there is no room")
		}
		made := &task{server: "s", own: own, link: l}
		return all.begin(principal, made), made
	}
	first, a := begin("ada", "1", one)
	second, b := begin("ada", "1", other)
	third, c := begin("bob", "1", one)
	if first != "s__1" || second != "s__1~2" || third != "s__1" {
		t.Errorf("the ids are %s, %s and %s", first, second, third)
	}
	if all.find("ada", first) != a || all.find("ada", second) != b || all.find("bob", third) != c || all.find("bob", second) != nil {
		t.Error("an id leads to another task")
	}
	again, d := begin("ada", "1", one)
	if again != first || all.find("ada", first) != d || all.sum != 3 {
		t.Errorf("a task in place of another one has the id %s, and there are %d", again, all.sum)
	}
	long, _ := begin("ada", strings.Repeat("x", 10_000), one)
	if len(long) > 100 {
		t.Errorf("an id has %d bytes", len(long))
	}
}

// TestTasksMakeRoom shows which tasks make room for others.
func TestTasksMakeRoom(t *testing.T) {
	t.Parallel()
	all := newTasks(3, 2, time.Hour)
	made := map[string]*task{}
	for _, own := range []string{"1", "2"} {
		if !all.reserve("ada") {
			t.Fatal("there is no room")
		}
		made[own] = &task{server: "s", own: own, link: &link{}}
		all.begin("ada", made[own])
	}
	if all.reserve("ada") {
		t.Error("ada has three")
	}
	if !all.reserve("bob") || all.reserve("carl") {
		t.Error("there is no room for three, or there is for four")
	}
	all.none("bob")
	all.end(made["1"])
	if !all.reserve("ada") || all.find("ada", "s__1") != nil || all.find("ada", "s__2") == nil {
		t.Error("a task that is over makes no room, or another one does")
	}
	all.none("ada")
	all.mu.Lock()
	made["2"].seen = time.Now().Add(-2 * time.Hour)
	all.mu.Unlock()
	first, second := all.reserve("ada"), all.reserve("ada")
	if !first || !second || len(all.all) != 0 {
		t.Error("a task that nobody asks for makes no room")
	}
}
