package kerberos

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

func unhex(text string) []byte {
	raw, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		panic(err)
	}
	return raw
}

// The examples of RFC 3961, appendix A.1.
func TestNFold(t *testing.T) {
	for _, c := range []struct {
		in, want string
	}{
		{"012345", "be072631276b1955"},
		{"password", "78a07b6caf85fa"},
		{"Rough Consensus, and Running Code", "bb6ed30870b7f0e0"},
		{"password", "59e4a8ca7c0385c3c37b3f6d2000247cb6e6bd5b3e"},
		{"MASSACHVSETTS INSTITVTE OF TECHNOLOGY", "db3b0d8f0b061e603282b308a50841229ad798fab9540c1b"},
		{"Q", "518a54a2 15a8452a 518a54a2 15a8452a 518a54a2 15"},
		{"ba", "fb25d531 ae897449 9f52fd92 ea9857c4 ba24cf29 7e"},
		{"kerberos", "6b657262 65726f73"},
		{"kerberos", "6b657262 65726f73 7b9b5b2b 93132b93"},
		{"kerberos", "8372c236 344e5f15 50cd0747 e15d62ca 7a5a3bce a4"},
		{"kerberos", "6b657262 65726f73 7b9b5b2b 93132b93 5c9bdcda d95c9899 c4cae4de e6d6cae4"},
	} {
		want := unhex(c.want)
		if got := nFold([]byte(c.in), len(want)); !bytes.Equal(got, want) {
			t.Errorf("%d-fold(%q) = %x, want %x", 8*len(want), c.in, got, want)
		}
	}
}

// The examples of RFC 3962, appendix B: a chicken's soup of several lengths under one key.
func TestCiphertextStealing(t *testing.T) {
	const text = "I would like the General Gau's Chicken, please, and wonton soup."
	block := newCipher([]byte("chicken teriyaki"))
	for _, c := range []struct {
		size int
		want string
	}{
		{17, "c6353568f2bf8cb4d8a580362da7ff7f97"},
		{31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"},
		{32, "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584"},
		{47, "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5"},
		{48, "97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd839312523a78662d5be7fcbcc98ebf5a8"},
		{64, "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a84807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8"},
	} {
		plain := []byte(text[:c.size])
		got := encryptStealing(block, plain)
		if !bytes.Equal(got, unhex(c.want)) {
			t.Errorf("%d bytes: %x, want %s", c.size, got, c.want)
		}
		if back := decryptStealing(block, got); !bytes.Equal(back, plain) {
			t.Errorf("%d bytes come back as %q", c.size, back)
		}
	}
}

// The examples of RFC 3962, appendix B: keys that are derived of a password's.
func TestDerivingByCipher(t *testing.T) {
	for _, c := range []struct{ base, want string }{
		{"cdedb5281bb2f801565a1122b2563515", "42263c6e89f4fc28b8df68ee09799f15"},
		{"cdedb5281bb2f801565a1122b25635150ad1f7a04bb9f3a333ecc0e2e1f70837", "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161"},
	} {
		want := unhex(c.want)
		if got := deriveByCipher(unhex(c.base), []byte("kerberos"), len(want)); !bytes.Equal(got, want) {
			t.Errorf("%x, want %s", got, c.want)
		}
	}
}

// The examples of RFC 8009, appendix A.
func TestAESWithSHA2(t *testing.T) {
	keys := map[int32]string{
		19: "3705D96080C17728A0E800EAB6E0D23C",
		20: "6D404D37FAF79F9DF0D33568D320669800EB4836472EA8A026D16B7182460C52",
	}
	const usage = 2
	for _, c := range []struct {
		etype   int32
		purpose byte
		want    string
	}{
		{19, forChecksum, "B31A018A48F54776F403E9A396325DC3"},
		{19, forEncryption, "9B197DD1E8C5609D6E67C3E37C62C72E"},
		{19, forIntegrity, "9FDA0E56AB2D85E1569A688696C26A6C"},
		{20, forChecksum, "EF5718BE86CC84963D8BBB5031E9F5C4BA41F28FAF69E73D"},
		{20, forEncryption, "56AB22BEE63D82D7BC5227F6773F8EA7A5EB1C825160C38312980C442E5C7E49"},
		{20, forIntegrity, "69B16514E3CD8E56B82010D5C73012B622C4D00FFC23ED1F"},
	} {
		k, err := newKey(c.etype, unhex(keys[c.etype]))
		if err != nil {
			t.Fatal(err)
		}
		if got := k.derived(usage, c.purpose); !bytes.Equal(got, unhex(c.want)) {
			t.Errorf("%s, %x: %X, want %s", k.name, c.purpose, got, c.want)
		}
	}
	for _, c := range []struct {
		etype                     int32
		plain, confounder, sealed string
	}{
		{19, "", "7E5895EAF2672435BAD817F545A37148", "EF85FB890BB8472F4DAB20394DCA781DAD877EDA39D50C870C0D5A0A8E48C718"},
		{19, "000102030405", "7BCA285E2FD4130FB55B1A5C83BC5B24", "84D7F30754ED987BAB0BF3506BEB09CFB55402CEF7E6877CE99E247E52D16ED4421DFDF8976C"},
		{19, "000102030405060708090A0B0C0D0E0F", "56AB21713FF62C0A1457200F6FA9948F", "3517D640F50DDC8AD3628722B3569D2AE07493FA8263254080EA65C1008E8FC295FB4852E7D83E1E7C48C37EEBE6B0D3"},
		{19, "000102030405060708090A0B0C0D0E0F1011121314", "A7A4E29A4728CE10664FB64E49AD3FAC", "720F73B18D9859CD6CCB4346115CD336C70F58EDC0C4437C5573544C31C813BCE1E6D072C186B39A413C2F92CA9B8334A287FFCBFC"},
		{20, "", "F764E9FA15C276478B2C7D0C4E5F58E4", "41F53FA5BFE7026D91FAF9BE959195A058707273A96A40F0A01960621AC612748B9BBFBE7EB4CE3C"},
		{20, "000102030405", "B80D3251C1F6471494256FFE712D0B9A", "4ED7B37C2BCAC8F74F23C1CF07E62BC7B75FB3F637B9F559C7F664F69EAB7B6092237526EA0D1F61CB20D69D10F2"},
		{20, "000102030405060708090A0B0C0D0E0F", "53BF8A0D105265D4E276428624CE5E63", "BC47FFEC7998EB91E8115CF8D19DAC4BBBE2E163E87DD37F49BECA92027764F68CF51F14D798C2273F35DF574D1F932E40C4FF255B36A266"},
		{20, "000102030405060708090A0B0C0D0E0F1011121314", "763E65367E864F02F55153C7E3B58AF1", "40013E2DF58E8751957D2878BCD2D6FE101CCFD556CB1EAE79DB3C3EE86429F2B2A602AC86FEF6ECB647D6295FAE077A1FEB517508D2C16B4192E01F62"},
	} {
		k, _ := newKey(c.etype, unhex(keys[c.etype]))
		sealed := k.encrypt(usage, unhex(c.confounder), unhex(c.plain))
		if !bytes.Equal(sealed, unhex(c.sealed)) {
			t.Errorf("%s of %q: %X, want %s", k.name, c.plain, sealed, c.sealed)
		}
		if back, err := k.decrypt(usage, sealed); err != nil || !bytes.Equal(back, unhex(c.plain)) {
			t.Errorf("%s: %X comes back as %X, %v", k.name, sealed, back, err)
		}
	}
	for etype, want := range map[int32]string{
		19: "D78367186643D67B411CBA9139FC1DEE",
		20: "45EE791567EEFCA37F4AC1E0222DE80D43C3BFA06699672A",
	} {
		k, _ := newKey(etype, unhex(keys[etype]))
		if got := k.checksum(usage, unhex("000102030405060708090A0B0C0D0E0F1011121314")); !bytes.Equal(got, unhex(want)) {
			t.Errorf("%s: the checksum is %X, want %s", k.name, got, want)
		}
	}
}

// What is sealed is opened by the same key and usage alone, and unchanged alone.
func TestSealedIsOpenedUnchangedAlone(t *testing.T) {
	for _, e := range etypes {
		k, other := key{e, bytes.Repeat([]byte{1}, e.keyBytes)}, key{e, bytes.Repeat([]byte{2}, e.keyBytes)}
		for size := range 70 {
			plain := bytes.Repeat([]byte{byte(size)}, size)
			sealed := k.encrypt(usageTicket, bytes.Repeat([]byte{7}, 16), plain)
			if back, err := k.decrypt(usageTicket, sealed); err != nil || !bytes.Equal(back, plain) {
				t.Fatalf("%s, %d bytes: %x, %v", e.name, size, back, err)
			}
			if _, err := other.decrypt(usageTicket, sealed); err == nil {
				t.Errorf("%s: another key opens it", e.name)
			}
			if _, err := k.decrypt(usageReply, sealed); err == nil {
				t.Errorf("%s: another usage opens it", e.name)
			}
			for at := range sealed {
				changed := bytes.Clone(sealed)
				changed[at] ^= 0x10
				if _, err := k.decrypt(usageTicket, changed); err == nil {
					t.Errorf("%s, %d bytes: byte %d may change", e.name, size, at)
				}
				if _, err := k.decrypt(usageTicket, sealed[:at]); err == nil {
					t.Errorf("%s, %d bytes: it may end at byte %d", e.name, size, at)
				}
			}
		}
	}
}
