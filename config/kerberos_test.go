package config

import (
	"strings"
	"testing"
)

const (
	withKerberos = closed + "sasl.enabled.mechanisms=GSSAPI\n"
	ofGSSAPI     = "listener.name.sasl_plaintext.gssapi.sasl.jaas.config="
	keytabModule = ofGSSAPI + kerberosModule + ` required useKeyTab=true storeKey=true keyTab="/k" principal="kafka/h@R"`
)

func TestKerberosOfListeners(t *testing.T) {
	for _, c := range []struct {
		text string
		want Kerberos
	}{
		{closed + keytabModule + ";\n", Kerberos{"/k", "kafka/h@R", []string{"DEFAULT"}}}, // GSSAPI is the default
		{withKerberos + keytabModule + ` serviceName=kafka isInitiator=false debug=true;` + "\nsasl.kerberos.service.name=kafka\n", Kerberos{"/k", "kafka/h@R", []string{"DEFAULT"}}},
		{withKerberos + strings.Replace(keytabModule, "/k", "FILE:/k", 1) + ";\nsasl.kerberos.principal.to.local.rules=RULE:[1:$1]/L , DEFAULT\n",
			Kerberos{"/k", "kafka/h@R", []string{"RULE:[1:$1]/L", "DEFAULT"}}},
		{withKerberos + keytabModule + ";\nlistener.name.sasl_plaintext.sasl.kerberos.principal.to.local.rules=RULE:[2:$1]\n", Kerberos{"/k", "kafka/h@R", []string{"RULE:[2:$1]"}}},
	} {
		s := fromText(t, c.text).ListenerSASL["SASL_PLAINTEXT"]
		if k := s.Kerberos; k == nil || k.Keytab != c.want.Keytab || k.Principal != c.want.Principal || strings.Join(k.Rules, " ") != strings.Join(c.want.Rules, " ") || s.Open {
			t.Errorf("%s: %+v", c.text, k)
		}
	}
}

// Nobody comes in through a listener whose Kerberos is half a configuration, whatever else it offers.
func TestKerberosFaults(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "GSSAPI, which is offered where sasl.enabled.mechanisms is not set, needs its keytab: com.sun.security"},
		{"sasl.enabled.mechanisms=GSSAPI,SCRAM-SHA-256\n", "needs its keytab"},
		{"barnabas.insecure.ignore=true\n", "needs its keytab"},
		{"sasl.jaas.config=" + strings.TrimPrefix(keytabModule, ofGSSAPI) + ";\n", "needs its keytab"},
		{keytabModule + "\n", "listener.name.sasl_plaintext.gssapi.sasl.jaas.config: listener SASL_PLAINTEXT: line 1"},
		{strings.Replace(keytabModule, "Krb5", "Krb4", 1) + ";\n", "one login module, com.sun"},
		{strings.Replace(keytabModule, "useKeyTab=true", "useKeyTab=false", 1) + ";\n", "write useKeyTab=true"},
		{strings.Replace(keytabModule, `"/k"`, `""`, 1) + ";\n", "write useKeyTab=true"},
		{strings.Replace(keytabModule, `"kafka/h@R"`, `""`, 1) + ";\n", "needs the broker's principal"},
		{keytabModule + " serviceName=other;\nsasl.kerberos.service.name=kafka\n", "f:3: sasl.kerberos.service.name: listener SASL_PLAINTEXT: it is kafka, and serviceName of the login module is other"},
	} {
		_, err := Load(Input{File: &File{"f", []byte(closed + c.text)}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v; want %q", c.text, err, c.want)
		}
	}
	// What is asked of clients is for a restart.
	b := fromText(t, withKerberos+keytabModule+";\n")
	for _, altered := range []map[string]string{
		{"listener.name.sasl_plaintext.sasl.kerberos.principal.to.local.rules": "RULE:[1:admin]"}, {"sasl.kerberos.principal.to.local.rules": "RULE:[1:admin]"},
		{strings.TrimSuffix(ofGSSAPI, "="): kerberosModule + ` required useKeyTab=true keyTab="/etc/passwd" principal="kafka/h@R";`},
	} {
		if err := b.ValidateBroker(altered, true, nil); err == nil {
			t.Errorf("%v may be altered", altered)
		}
	}
}
