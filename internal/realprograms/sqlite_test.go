package realprograms

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dappco.re/go/cloche/process"
)

// atHome stops the shell from looking for a user's home, which no guest has.
var atHome = []string{"HOME=/nowhere"}

// The masses have few binary digits: beyond 16 decimal ones the shell prints what
// long double holds, which is another type on every machine.
const schema = `
create table planet(id integer primary key, name text unique, mass real, note blob);
insert into planet values
	(1, 'Mercury', 0.25, x'00ff10'), (2, 'Vénus', 4.75, null), (3, 'Earth', 6, 'us'), (4, 'Mars', 0.625, '');
create index heavy on planet(mass) where mass > 1;
create view small as select name from planet where mass < 1;
`

func TestSqliteAnswersAsItsNativeTwin(t *testing.T) {
	t.Parallel()
	db := func(more ...string) []string { return append([]string{"solar.db"}, more...) }
	calls := []call{
		{name: "reads statements from its input", stdin: schema + "select * from planet order by mass;"},
		{name: "keeps a database in a file", args: db(), stdin: schema + "select count(*) from small;"},
		{name: "dumps a database", args: db(), stdin: schema + ".dump\n"},
		{name: "shows the schema", args: db(), stdin: schema + ".schema --indent\n.tables\n"},
		{name: "writes JSON", args: []string{"-json"}, stdin: schema + "select id, name, mass from planet;"},
		{name: "draws boxes", args: []string{"-box"}, stdin: schema + "select id, name, note from planet;"},
		{name: "imports CSV", files: map[string]string{"in/x.csv": "a,b\n1,\"two, three\"\n4,\"five\nsix\"\n"},
			stdin: ".mode csv\n.import in/x.csv t\nselect b, a from t;\n"},
		{name: "runs a script", files: map[string]string{"q.sql": schema + "select max(mass) from planet;"}, args: []string{"-cmd", ".read q.sql", ":memory:", "select 1"}},
		{name: "writes to a file", stdin: ".output out.txt\nselect 'hello';\n.output\nselect 'back';\n"},
		{name: "counts recursively", stdin: "with recursive c(n) as (select 1 union all select n+1 from c where n < 100000) select sum(n), count(*) from c;"},
		{name: "computes windows", stdin: schema + "select name, rank() over (order by mass desc), sum(mass) over (order by id) from planet;"},
		{name: "reads JSON", stdin: `select json_extract('{"a":[1,{"b":"ü"}]}', '$.a[1].b'), json_group_array(value) from json_each('[3,1,2]');`},
		{name: "rolls back", args: db(), stdin: schema + "begin; delete from planet; rollback; select count(*) from planet; pragma integrity_check;"},
		{name: "sorts more than fits the cache", args: db(), stdin: "pragma secure_delete=on; pragma cache_size=10; create table r(a, b); with recursive c(n) as (select 1 union all select n+1 from c where n < 20000) insert into r select n*7919%20011, hex(n) from c; create index i on r(b, a); vacuum; select a, b from r order by b limit 3; pragma integrity_check;"},
		{name: "exits 1 for an unknown table", args: []string{":memory:", "select * from nope"}, code: 1},
		{name: "exits 1 for a syntax error", args: []string{":memory:", "selec 1"}, code: 1},
		{name: "stops at the first error", args: []string{"-bail"}, stdin: "select 1;\nselect * from nope;\nselect 2;\n", code: 1},
		{name: "refuses to write a read-only database with 8", files: map[string]string{"empty.db": ""},
			args: []string{"-readonly", "empty.db", "create table t(a)"}, code: 8},
		{name: "refuses what is no database with 26", files: map[string]string{"text.db": strings.Repeat("not a database ", 100)},
			args: []string{"text.db", "select * from t"}, code: 26},
		{name: "exits with the code it is told", stdin: "select 1;\n.exit 42\n", code: 42},
		{name: "exits 1 for an unknown option", args: []string{"-nonsense"}, code: 1},
	}
	for i := range calls {
		calls[i].env = atHome
	}
	buildSqlite(t).compare(t, calls)
}

func TestSqliteDatabasesTravelBothWays(t *testing.T) {
	t.Parallel()
	p := buildSqlite(t)
	dir := t.TempDir()
	sandbox, host := newSandbox(t, dir, p.name, p.module), newHost(t, dir, p.folder)
	const check = "pragma integrity_check; select id, name, mass, quote(note) from planet;"
	command := func(db, sql string) process.Spec {
		return process.Spec{Command: "sqlite3", Args: []string{db, sql}, Env: atHome}
	}
	require.Equal(t, answer{}, run(t, sandbox, command("inside.db", schema)))
	require.Equal(t, answer{}, run(t, host, command("outside.db", schema)))

	want := run(t, host, command("outside.db", check))
	require.True(t, strings.HasPrefix(want.Stdout, "ok\n1|Mercury|0.25|X'00FF10'\n"), want.Stdout)
	assert.Equal(t, want, run(t, host, command("inside.db", check)), "made inside, read outside")
	assert.Equal(t, want, run(t, sandbox, command("outside.db", check)), "made outside, read inside")

	require.Equal(t, answer{}, run(t, sandbox, command("outside.db", "delete from planet where id > 1")))
	assert.Equal(t, "ok\n1|Mercury|0.25|X'00FF10'\n", run(t, host, command("outside.db", check)).Stdout, "changed inside, read outside")
}

func TestSqliteGuestsShareADatabase(t *testing.T) {
	t.Parallel()
	p := buildSqlite(t)
	dir := t.TempDir()
	c := newSandbox(t, dir, p.name, p.module)
	const guests, rows = 4, 25
	require.Equal(t, answer{}, run(t, c, process.Spec{Command: "sqlite3", Args: []string{"shared.db", "create table t(guest, n)"}, Env: atHome}))

	var all sync.WaitGroup
	for guest := range guests {
		all.Go(func() {
			sql := ".timeout 60000\n"
			for n := range rows {
				sql += fmt.Sprintf("insert into t values(%d, %d);\n", guest, n)
			}
			out, err := runError(t, c, process.Spec{Command: "sqlite3", Args: []string{"-bail", "shared.db"}, Stdin: strings.NewReader(sql), Env: atHome})
			if assert.NoError(t, err) {
				assert.Empty(t, string(out.Stderr))
			}
		})
	}
	all.Wait()
	got := run(t, c, process.Spec{Command: "sqlite3", Args: []string{"shared.db", "pragma integrity_check; select count(*), count(distinct guest*1000+n) from t"}, Env: atHome})
	assert.Equal(t, answer{Stdout: "ok\n100|100\n"}, got)
}

func TestSqliteRunsThroughTheCore(t *testing.T) {
	t.Parallel()
	p := buildSqlite(t)
	dir := t.TempDir()
	c := newSandbox(t, dir, p.name, p.module)
	writeTree(t, dir, map[string]string{"db/schema.sql": schema})

	text(t, c.Process().RunWithEnv(t.Context(), "db", atHome, "sqlite3", "solar.db", ".read schema.sql"))
	assert.Equal(t, "Earth\n", text(t, c.Process().RunWithEnv(t.Context(), "db", atHome, "sqlite3", "solar.db", "select name from planet where id = 3")))
	assert.FileExists(t, filepath.Join(dir, "db/solar.db"))

	exit := failure(t, c.Process().RunWithEnv(t.Context(), "db", atHome, "sqlite3", "solar.db", "insert into planet(name) values('Earth')"))
	assert.NotZero(t, exit.Exit.Code)
	assert.Contains(t, string(exit.Stdout), "UNIQUE constraint failed: planet.name")
}

func TestSqliteSeesNothingOutside(t *testing.T) {
	t.Parallel()
	p := buildSqlite(t)
	outside, inside := secret(t), t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(inside, "link")))
	c := newSandbox(t, inside, p.name, p.module)
	for _, path := range escapes(outside, "link") {
		for _, sql := range []string{".read " + path, ".import " + path + " t", "attach '" + path + "' as s; create table s.t(a)"} {
			got := run(t, c, process.Spec{Command: "sqlite3", Args: []string{":memory:", "-bail"}, Stdin: strings.NewReader(sql + "\n"), Env: atHome})
			assert.NotZero(t, got.Code, sql)
			assert.NotContains(t, got.Stdout+got.Stderr, secretText, sql)
		}
	}
	assert.Equal(t, secretScript, readFile(t, outside))
}
