package protocol

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goldenBatches are the segments that Apache Kafka 4.3.1 wrote when its own console
// producer sent three records with keys and headers in each codec.
var goldenBatches = map[Codec]string{
	CodecNone: "0000000000000000000000ee000000000293e9d528000000000002000001a20484d444000001a20484d46700000000000000" +
		"00000000000000000000037c0000000a6b65792d314476616c7565206e756d6265722031206f662074686520676f6c64656e" +
		"20626174636804086e616d65086e6f6e650a656d707479007c0046020a6b65792d324476616c7565206e756d626572203220" +
		"6f662074686520676f6c64656e20626174636804086e616d65086e6f6e650a656d707479007c0046040a6b65792d33447661" +
		"6c7565206e756d6265722033206f662074686520676f6c64656e20626174636804086e616d65086e6f6e650a656d70747900",
	CodecGzip: "00000000000000000000009b00000000027d477ea6000100000002000001a20484e38a000001a20484e39700000000000000" +
		"01000000000000000000031f8b08000000000000ffab616060e0ca4eadd43574294bcc294d55c82bcd4d4a2d523054c84f53" +
		"28c9485548cfcf4949cd53484a2c49ce60e1c84bcc4de548afca2ce04acd2d28a964a8619060026b3742d56e44ac762916b0" +
		"766354edc6c4690700a177c56cbd000000",
	CodecSnappy: "0000000000000000000000ad000000000283cfa803000200000002000001a20484ed23000001a20484ed5b00000000000000" +
		"020000000000000000000382534e4150505900000000010000000100000068c601f04680010000000a6b65792d314476616c" +
		"7565206e756d6265722031206f662074686520676f6c64656e20626174636804086e616d650c736e617070790a656d707479" +
		"008001006e020542083244762e42000032aa42000470040542003336420000339e4200",
	CodecLZ4: "0000000000000000000000a300000000020171929a000300000002000001a20484f5fa000001a20484f62200000000000000" +
		"030000000000000000000304224d1860408263000000f1337a0000000a6b65792d314476616c7565206e756d626572203120" +
		"6f662074686520676f6c64656e20626174636804086e616d65066c7a340a656d707479007a004e023e001a323e001f323e00" +
		"142150043e001a333e001f333e000d506d7074790000000000",
	CodecZstd: "00000000000000000000009700000000026dbd76c4000400000002000001a2048500d0000001a2048500fb00000000000000" +
		"040000000000000000000328b52ffd0058d4020084047c0000000a6b65792d314476616c7565206e756d6265722031206f66" +
		"2074686520676f6c64656e20626174636804086e616d65087a7374640a656d707479007c00560232320433330600c123401e" +
		"10180009c81b04219c01010000",
}

func golden(t testing.TB, codec Codec) Batch {
	t.Helper()
	b, err := hex.DecodeString(goldenBatches[codec])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What Java wrote is a batch that passes every check and gives the records back.
func TestGoldenBatches(t *testing.T) {
	for _, codec := range allCodecs {
		b := golden(t, codec)
		if err := CheckBatch(b); err != nil || b.Codec() != codec {
			t.Fatalf("%v: %v, codec %v", codec, err, b.Codec())
		}
		if summary, err := ValidateRecords(b, anyRecord); err != nil || summary.MaxTimestamp != b.MaxTimestamp() {
			t.Errorf("%v: %v, largest timestamp %d, header %d", codec, err, summary.MaxTimestamp, b.MaxTimestamp())
		}
		var got, want []string
		for _, r := range collect(t, b, DecodeLimits{}) {
			got = append(got, fmt.Sprintf("%d %s=%s %s=%s %s=%q", r.Offset, r.Key, r.Value,
				r.Headers[0].Key, r.Headers[0].Value, r.Headers[1].Key, r.Headers[1].Value))
		}
		for i := range 3 {
			want = append(want, fmt.Sprintf("%d key-%d=value number %d of the golden batch name=%v empty=\"\"", i, i+1, i+1, codec))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%v: %s", codec, d)
		}
	}
}

// The builder makes the very bytes that Java made, from the same records. With a
// codec the compressed part may differ, and everything else not.
func TestBuilderWritesAsJava(t *testing.T) {
	for _, codec := range allCodecs {
		want := golden(t, codec)
		w := NewBatchBuilder(BatchOptions{Codec: codec, ProducerID: want.ProducerID(), ProducerEpoch: want.ProducerEpoch(), BaseSequence: want.BaseSequence()})
		for _, r := range collect(t, want, DecodeLimits{}) {
			w.Add(r.Timestamp, r.Key, r.Value, r.Headers...)
		}
		got := w.Build(want.BaseOffset(), want.LeaderEpoch())
		if codec == CodecNone {
			if !bytes.Equal(got, want) {
				t.Error(cmp.Diff([]byte(want), []byte(got)))
			}
			continue
		}
		if !bytes.Equal(got[21:BatchHeaderBytes], want[21:BatchHeaderBytes]) {
			t.Errorf("%v: header %x, want %x", codec, got[:BatchHeaderBytes], want[:BatchHeaderBytes])
		}
		if d := differ(collect(t, want, DecodeLimits{}), collect(t, got, DecodeLimits{})); d != "" {
			t.Errorf("%v: %s", codec, d)
		}
	}
}
