package kerberos

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// Realm is that of the KDC, and Service the broker's principal in it: clients connect to localhost.
const (
	Realm   = "EXAMPLE.COM"
	Service = "kafka/localhost"
)

// packages are the KDC, its tools, kinit, and how Cyrus's SASL (librdkafka) speaks GSSAPI.
var packages = []string{"krb5-kdc", "krb5-admin-server", "krb5-user", "libsasl2-modules-gssapi-mit"}

// KDC is a realm's.
type KDC struct {
	root string // of the unpacked packages
	dir  string // of everything that it has
}

// StartKDC starts a realm with no principals. Where there is no Debian it skips the test.
func StartKDC(tb testing.TB) *KDC {
	tb.Helper()
	k := &KDC{root: testbed.UnpackPackages(tb, packages...), dir: tb.TempDir()}
	ports, err := testbed.FreePorts(1)
	if err != nil {
		tb.Fatal(err)
	}
	modules, err := filepath.Glob(filepath.Join(k.root, "usr/lib/*-linux-*/krb5/plugins/kdb"))
	if err != nil || len(modules) != 1 {
		tb.Fatalf("the packages have no database modules: %v, %v", modules, err)
	}
	k.write(tb, "krb5.conf", fmt.Sprintf(`[libdefaults]
 default_realm = %[1]s
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 %[1]s = {
  kdc = 127.0.0.1:%[2]d
 }
[domain_realm]
 localhost = %[1]s
[dbmodules]
 db_module_dir = %[3]s
 %[1]s = {
  db_library = db2
 }
`, Realm, ports[0], modules[0]))
	k.write(tb, "kdc.conf", fmt.Sprintf(`[kdcdefaults]
 kdc_listen = ""
 kdc_tcp_listen = 127.0.0.1:%[2]d
[realms]
 %[1]s = {
  database_name = %[3]s/principal
  key_stash_file = %[3]s/stash
  acl_file = %[3]s/acl
  supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal aes256-cts-hmac-sha384-192:normal aes128-cts-hmac-sha256-128:normal
 }
[logging]
 kdc = FILE:%[3]s/kdc.log
`, Realm, ports[0], k.dir))
	k.run(tb, "usr/sbin/kdb5_util", "create", "-s", "-P", "master", "-r", Realm)
	k.serve(tb, fmt.Sprintf("127.0.0.1:%d", ports[0]))
	return k
}

// serve starts the KDC and waits until it listens.
func (k *KDC) serve(tb testing.TB, address string) {
	tb.Helper()
	cmd := exec.Command(k.Program("usr/sbin/krb5kdc"), "-n", "-r", Realm)
	cmd.Env = append(os.Environ(), k.Environment()...)
	kdc, err := testbed.StartProcess(cmd)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(kdc.Kill)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for until := time.Now().Add(testbed.Patience(10 * time.Second)); ; <-again.C {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close() // nothing was said
			return
		}
		if time.Now().After(until) {
			log, _ := os.ReadFile(filepath.Join(k.dir, "kdc.log")) // may not be there
			tb.Fatalf("the KDC does not listen: %v\n%s", err, log)
		}
	}
}

func (k *KDC) write(tb testing.TB, name, text string) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func (k *KDC) run(tb testing.TB, program string, args ...string) {
	tb.Helper()
	if err := testbed.RunCommand(k.Environment(), append([]string{k.Program(program)}, args...)...); err != nil {
		tb.Fatal(err)
	}
}

// Config is the path of the realm's krb5.conf.
func (k *KDC) Config() string { return filepath.Join(k.dir, "krb5.conf") }

// Program is the path of an unpacked one.
func (k *KDC) Program(name string) string { return filepath.Join(k.root, name) }

// Environment is for programs that use MIT's library, with Cyrus's SASL or without.
func (k *KDC) Environment() []string {
	modules, _ := filepath.Glob(filepath.Join(k.root, "usr/lib/*-linux-*/sasl2")) // our own pattern
	return []string{
		testbed.Libraries(k.root), "SASL_PATH=" + strings.Join(modules, string(os.PathListSeparator)),
		"KRB5_CONFIG=" + k.Config(), "KRB5_KDC_PROFILE=" + filepath.Join(k.dir, "kdc.conf"),
		"KRB5CCNAME=FILE:" + filepath.Join(k.dir, "tickets"),
	}
}

// Keytab makes a principal of the realm and gives the path of a file with its keys.
func (k *KDC) Keytab(tb testing.TB, principal string) string {
	tb.Helper()
	file := filepath.Join(k.dir, strings.ReplaceAll(principal, "/", "-")+".keytab")
	k.run(tb, "usr/sbin/kadmin.local", "-r", Realm, "addprinc", "-randkey", principal)
	k.run(tb, "usr/sbin/kadmin.local", "-r", Realm, "ktadd", "-k", file, principal)
	return file
}

// Forget takes a principal out of the realm again.
func (k *KDC) Forget(tb testing.TB, principal string) {
	tb.Helper()
	k.run(tb, "usr/sbin/kadmin.local", "-r", Realm, "delprinc", "-force", principal)
}

// Module is the entry of JAAS for a keytab; the broker's needs no ticket of its own.
func Module(keytab, principal string, options ...string) string {
	return fmt.Sprintf("com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true keyTab=%q principal=%q%s;",
		keytab, principal+"@"+Realm, strings.Join(append([]string{""}, options...), " "))
}
