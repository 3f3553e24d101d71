package kerberos

import (
	"bytes"
	"strings"
	"testing"
)

// What kadmin's ktadd has written: two versions of a key, of two types.
func TestKeytab(t *testing.T) {
	file := writeKeytab(entry(keyOf(etypes[2], 'a'), 2), entry(keyOf(etypes[3], 'b'), 2), entry(keyOf(etypes[2], 'c'), 300))
	// ktutil leaves holes, and zeros at the end.
	file = append(file[:2:2], append([]byte{0xff, 0xff, 0xff, 0xfd, 9, 9, 9}, file[2:]...)...)
	file = append(file, 0, 0, 0, 0, 0, 0)
	k, err := ParseKeytab(file)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := k.Of(service)
	if err != nil || len(keys) != 3 || keys[0].version != 2 || keys[2].version != 300 || keys[1].id != 17 || keys[2].value[0] != 'c' {
		t.Errorf("%+v, %v", keys, err)
	}
}

// The version has eight bits in old files, and the whole behind the key.
func TestKeytabOfOldVersions(t *testing.T) {
	file := writeKeytab(entry(keyOf(etypes[2], 'a'), 7))
	cut := bytes.Clone(file[:len(file)-4])
	cut[5] -= 4
	k, err := ParseKeytab(cut)
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := k.Of(service); err != nil || keys[0].version != 7 {
		t.Errorf("%+v, %v", keys, err)
	}
}

// Whoever has the wrong file is told what is in it, and what to do.
func TestKeytabWithoutTheKey(t *testing.T) {
	web := Principal{[]string{"HTTP", "web"}, "EXAMPLE.COM"}
	for _, c := range []struct {
		name    string
		entries []keytabEntry
		want    string
	}{
		{"none", nil, "it has no keys; write one with kadmin: ktadd -k FILE kafka/broker.example.com@EXAMPLE.COM"},
		{"others", []keytabEntry{{web, 1, 18, make([]byte, 32)}, {web, 2, 18, make([]byte, 32)}}, "and has some of HTTP/web@EXAMPLE.COM; write"},
		{"ended", []keytabEntry{{service, 1, 23, make([]byte, 16)}}, "arcfour-hmac, which is broken, is not taken); write one of aes256-cts-hmac-sha1-96"},
		{"a key of no key's size", []keytabEntry{{service, 1, 18, make([]byte, 16)}}, "has 32 bytes and not 16"},
	} {
		k, err := ParseKeytab(writeKeytab(c.entries...))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Of(service); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
	}
}

func TestKeytabsThatAreNone(t *testing.T) {
	file := writeKeytab(entry(keyOf(etypes[2], 'a'), 7))
	for at := 3; at < len(file); at++ {
		if k, err := ParseKeytab(file[:at]); err == nil && len(k.entries) > 0 {
			t.Errorf("it may end at byte %d", at)
		}
	}
	for name, bad := range map[string]string{
		"nothing": "", "text": "kafka/host", "version 1": "\x05\x01\x00\x00\x00\x00", "a hole of all": "\x05\x02\x80\x00\x00\x00",
		"a huge entry": "\x05\x02\x7f\xff\xff\xff", "an empty entry": "\x05\x02\x00\x00\x00\x01\x00", "many components": "\x05\x02\x00\x00\x00\x04\xff\xff\x00\x00",
	} {
		if _, err := ParseKeytab([]byte(bad)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := ParseKeytab(make([]byte, KeytabBytesMax+1)); err == nil {
		t.Error("there is no bound")
	}
}

func FuzzKeytab(f *testing.F) {
	f.Add(writeKeytab(entry(keyOf(etypes[2], 'a'), 2)))
	f.Add([]byte("\x05\x02\x80\x00\x00\x00"))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		if k, err := ParseKeytab(raw); err == nil {
			_, _ = k.Of(service)
		}
	})
}
