package main

import (
	"archive/tar"
	"io"
	"io/fs"
	"time"
)

// user and group own what start scripts change.
const (
	userID  = 1000
	groupID = 0
)

// writeLayer writes the image's files as a tar archive.
func writeLayer(w io.Writer, binary []byte) error {
	all, err := tree()
	if err != nil {
		return err
	}
	all = append(all, entry{path: binaryPath, mode: 0o755, text: binary})
	out := tar.NewWriter(w)
	for _, e := range all {
		h := &tar.Header{Name: e.path, Mode: int64(e.mode.Perm()), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		switch {
		case e.mode.IsDir():
			h.Typeflag, h.Name = tar.TypeDir, e.path+"/"
		case e.mode&fs.ModeSymlink != 0:
			h.Typeflag, h.Linkname = tar.TypeSymlink, e.link
		default:
			h.Typeflag, h.Size = tar.TypeReg, int64(len(e.text))
		}
		if e.mode&fs.ModeSticky != 0 {
			h.Mode |= 0o1000
		}
		if e.own {
			h.Uid, h.Gid = userID, groupID
		}
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		if _, err := out.Write(e.text); err != nil {
			return err
		}
	}
	return out.Close()
}
