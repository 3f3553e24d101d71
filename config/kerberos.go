package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/barnabas-mq/barnabas/internal/jaas"
)

const (
	mechanismGSSAPI = "GSSAPI"

	kerberosModule = jaas.KerberosModule

	gssapiJAAS    = "gssapi.sasl.jaas.config"
	kerberosName  = "sasl.kerberos.service.name"
	kerberosRules = "sasl.kerberos.principal.to.local.rules"
)

// Kerberos is whose tickets a listener with GSSAPI takes, and what it makes of them.
type Kerberos struct {
	// Keytab is the path of the file with the keys of Principal, which is service/host@REALM.
	Keytab, Principal string
	// Rules make users' names (sasl.kerberos.principal.to.local.rules).
	Rules []string
}

// kerberos gathers a listener's settings of GSSAPI. A fault is of the setting key. As in Kafka
// the login module is that of a listener and a mechanism.
func (r *reader) kerberos(listener string) (k *Kerberos, key string, err error) {
	k = &Kerberos{Rules: parseList(r.ownText(listener, kerberosRules))}
	name := r.ownText(listener, kerberosName)
	own := listenersOwn(listener, gssapiJAAS)
	text, _ := r.raw(own)
	if strings.TrimSpace(text) == "" {
		return nil, own, fmt.Errorf("GSSAPI, which is offered where sasl.enabled.mechanisms is not set, needs its keytab: "+
			`%s required useKeyTab=true storeKey=true keyTab="/etc/barnabas/kafka.keytab" principal="kafka/HOST@REALM";`, kerberosModule)
	}
	modules, err := jaas.ParseConfig(text)
	if err != nil {
		return nil, own, err
	}
	if len(modules) != 1 || modules[0].Class != kerberosModule {
		return nil, own, fmt.Errorf("GSSAPI has one login module, %s", kerberosModule)
	}
	option := func(name string) string { return strings.TrimSpace(modules[0].Options[name]) }
	k.Keytab, k.Principal = strings.TrimPrefix(option("keyTab"), "FILE:"), option("principal")
	switch {
	case !strings.EqualFold(option("useKeyTab"), "true") || k.Keytab == "":
		return nil, own, errors.New(`GSSAPI takes the broker's keys of a keytab: write useKeyTab=true and keyTab="FILE" (kinit, passwords and ticket caches are none of a service)`)
	case k.Principal == "":
		return nil, own, errors.New(`GSSAPI needs the broker's principal: write principal="kafka/HOST@REALM"`)
	case name != "" && option("serviceName") != "" && name != option("serviceName"):
		return nil, r.writtenAs(listener, kerberosName), fmt.Errorf("it is %s, and serviceName of the login module is %s; they must be the same", cut(name), cut(option("serviceName")))
	}
	return k, "", nil
}
