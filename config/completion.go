package config

import (
	"fmt"
	"slices"
	"strings"
)

// completeListeners finds the listeners of starts that say less than a Kafka of
// today wants to know: files of Kafka before 3.0, and images.
func (s *Static) completeListeners() {
	for _, name := range []string{"listeners", "advertised.listeners"} {
		if one := s.settings[name]; one.origin.Kind == FromEnvironment && strings.Trim(one.value, ", \t") == "" {
			delete(s.settings, name)
		}
	}
	s.takeOldNames()
	s.listenersFromAdvertised()
	s.nameController()
}

// controllerName is what the images and the files that they bring along call the
// controller's listener.
const controllerName = "CONTROLLER"

// nameController takes a listener called CONTROLLER for the controller's where nothing
// says whose it is: an environment leaves that to the file of the image.
func (s *Static) nameController() {
	if s.origin("controller.listener.names").Kind != FromDefault {
		return
	}
	for _, name := range []string{"listeners", "advertised.listeners"} {
		one := s.settings[name]
		all, err := parseListeners(strings.TrimRight(one.value, ", \t\r\n"))
		if err == nil && len(all) > 1 && find(all, controllerName) != nil { // alone, it is for clients
			s.settings["controller.listener.names"] = setting{controllerName, one.origin}
			return
		}
	}
}

// The names of Kafka before 3.0.
const (
	oldHost           = "host.name"
	oldPort           = "port"
	oldAdvertisedHost = "advertised.host.name"
	oldAdvertisedPort = "advertised.port"
)

// takeOldNames gives host.name, port, advertised.host.name and advertised.port
// the meaning that they had in Kafka 2.8 (KafkaConfig.getListeners and
// getAdvertisedListeners): listeners and advertised.listeners win over them.
func (s *Static) takeOldNames() {
	replaced := map[string][]string{
		"listeners": {oldHost, oldPort}, "advertised.listeners": {oldAdvertisedHost, oldAdvertisedPort},
	}
	for by, names := range replaced {
		for _, name := range names {
			s.advice[name] = "it has no effect beside " + by
		}
	}
	port := s.oldValue(oldPort, "9092")
	_, hasHost := s.settings[oldHost]
	_, hasPort := s.settings[oldPort]
	_, hasAdvertisedHost := s.settings[oldAdvertisedHost]
	_, hasAdvertisedPort := s.settings[oldAdvertisedPort]
	if !hasHost && !hasPort && !hasAdvertisedHost && !hasAdvertisedPort {
		return
	}
	if s.origin("listeners").Kind <= FromProfile {
		s.setOld("listeners", plaintext+"://"+bracketed(s.oldValue(oldHost, ""))+":"+port, oldHost, oldPort)
	}
	if s.origin("advertised.listeners").Kind <= FromProfile && (hasAdvertisedHost || hasAdvertisedPort) {
		host := s.oldValue(oldAdvertisedHost, s.oldValue(oldHost, ""))
		s.setOld("advertised.listeners", plaintext+"://"+bracketed(host)+":"+s.oldValue(oldAdvertisedPort, port), oldAdvertisedHost, oldAdvertisedPort)
	}
}

func (s *Static) oldValue(name, otherwise string) string {
	if v := strings.TrimSpace(s.settings[name].value); v != "" {
		return v
	}
	return otherwise
}

// setOld sets a setting from its old names, of which at least one may be there.
func (s *Static) setOld(name, value string, from ...string) {
	origin := Origin{Kind: FromProfile, Name: "old names"}
	for _, old := range from {
		if one, ok := s.settings[old]; ok {
			origin = one.origin
			s.advice[old] = fmt.Sprintf("an old name, taken as %s=%s", name, value)
		}
	}
	s.settings[name] = setting{value, origin}
}

// bracketed is a host as a listener wants it.
func bracketed(host string) string {
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		return "[" + host + "]"
	}
	return host
}

// listenersFromAdvertised listens for what the environment advertises, as the images
// of apache and cp do: without KAFKA_LISTENERS, on every interface at the ports of
// KAFKA_ADVERTISED_LISTENERS. What an image has as listeners by itself stays if it
// is enough.
func (s *Static) listenersFromAdvertised() {
	have, told := s.settings["listeners"], s.settings["advertised.listeners"]
	if told.origin.Kind != FromEnvironment || have.origin.Kind > FromProfile {
		return
	}
	advertised, err := parseListeners(strings.TrimRight(told.value, ", \t"))
	if err != nil {
		return // the check says so
	}
	if have.origin != withoutFile {
		present, _ := parseListeners(have.value)
		if len(present) > 0 && !slices.ContainsFunc(advertised, func(l Listener) bool { return find(present, l.Name) == nil }) {
			return
		}
	}
	for i := range advertised {
		advertised[i].Host = "0.0.0.0"
	}
	var text []string
	for _, l := range advertised {
		text = append(text, l.String())
	}
	s.settings["listeners"] = setting{strings.Join(text, ","), told.origin}
}
