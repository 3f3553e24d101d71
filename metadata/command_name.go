package metadata

// topicNameMax is Kafka's limit: with "-" and the partition the name must fit
// into a file name of 255 bytes.
const topicNameMax = 249

// ValidateTopicName checks the form of a topic's name. The error wraps
// ErrInvalidTopicName.
func ValidateTopicName(name string) error {
	switch {
	case name == "":
		return refuse(ErrInvalidTopicName, "Topic name is invalid: the empty string is not allowed")
	case name == "." || name == "..":
		return refuse(ErrInvalidTopicName, "Topic name is invalid: '%s' is not allowed", name)
	case len(name) > topicNameMax:
		return refuse(ErrInvalidTopicName, "Topic name is invalid: the length of '%s' is longer than the max allowed length %d", cut(name), topicNameMax)
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return refuse(ErrInvalidTopicName, "Topic name is invalid: '%s' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'", cut(name))
		}
	}
	return nil
}

// cut shortens what a peer sent before it is repeated to anyone.
func cut(s string) string {
	const most = 2 * topicNameMax
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// checkCollision refuses a name that would share its metrics with another topic.
func (img *Image) checkCollision(name string) error {
	key := collisionKey(name)
	if key == "" {
		return nil
	}
	names, _ := img.collisions.get(key)
	for _, other := range names {
		if other != name {
			return refuse(ErrInvalidTopicName, "Topic '%s' collides with existing topic: %s", name, other)
		}
	}
	return nil
}
