package wire

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// LogIn tells the broker who comes, by SASL's PLAIN. A refusal is an error, with the
// broker's words.
func (c *Conn) LogIn(user, password string) error {
	handshake := kmsg.NewPtrSASLHandshakeRequest()
	handshake.Version, handshake.Mechanism = 1, "PLAIN"
	resp, err := c.Call(handshake)
	if err != nil {
		return fmt.Errorf("log in as %s: %w", user, err)
	}
	if code := resp.(*kmsg.SASLHandshakeResponse).ErrorCode; code != 0 {
		return fmt.Errorf("log in as %s: the mechanism is refused with error %d", user, code)
	}
	authenticate := kmsg.NewPtrSASLAuthenticateRequest()
	authenticate.Version, authenticate.SASLAuthBytes = 2, []byte("\x00"+user+"\x00"+password)
	if resp, err = c.Call(authenticate); err != nil {
		return fmt.Errorf("log in as %s: %w", user, err)
	}
	answer := resp.(*kmsg.SASLAuthenticateResponse)
	if answer.ErrorCode != 0 {
		message := ""
		if answer.ErrorMessage != nil {
			message = *answer.ErrorMessage
		}
		return fmt.Errorf("log in as %s: error %d %q", user, answer.ErrorCode, message)
	}
	return nil
}
