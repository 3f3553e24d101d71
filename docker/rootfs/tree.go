package main

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/cli/kafkatools"
	"github.com/barnabas-mq/barnabas/internal/applets"
)

// entry is a file, folder or link of the image.
type entry struct {
	path string // without a leading slash
	mode fs.FileMode
	link string // of a symbolic link
	text []byte // of a file
	own  bool   // of the image's user, not of root
}

// binaryPath is where the binary is; everything else that runs is a link to it.
const binaryPath = "usr/bin/barnabas"

//go:embed tree
var embedded embed.FS

// folders are root's.
var folders = []string{"dev", "etc", "etc/confluent", "etc/kafka/docker", "opt/bitnami/scripts/kafka", "proc", "root", "sys", "usr/bin", "usr/local/bin", "usr/sbin", "var/lib"}

// ownFolders are the user's: start scripts write there, and a volume that is new
// takes the owner of the folder that it covers.
var ownFolders = []string{
	"home/appuser", "opt/kafka", "opt/kafka/bin", "opt/kafka/config", "opt/bitnami/kafka", "opt/bitnami/kafka/bin", "opt/bitnami/kafka/config",
	"etc/kafka", "etc/kafka/secrets", "etc/confluent/docker", "etc/redpanda", "mnt/shared/config", "docker-entrypoint-initdb.d",
	"bitnami/kafka/config",
}

// dataFolders are where the images have their data, and launchers ZooKeeper's. They
// are the user's too, and open to all: a container may be started as anybody, who
// then owns what is in its volume.
var dataFolders = []string{
	"var/lib/kafka/data", "tmp/kraft-combined-logs", "tmp/kafka-logs", "bitnami/kafka", "bitnami/kafka/data", "kafka", "kafka/data",
	"var/lib/redpanda", "var/lib/redpanda/data", "var/lib/zookeeper/data", "var/lib/zookeeper/log",
}

// entryPoints are the paths where other images are started.
var entryPoints = []string{
	"entrypoint.sh", "etc/kafka/docker/run", "opt/bitnami/scripts/kafka/entrypoint.sh", "opt/bitnami/scripts/kafka/run.sh", "opt/bitnami/scripts/kafka/setup.sh",
}

// starters are the programs beside Kafka's tools that start something.
var starters = []string{"kafka-server-start", "zookeeper-server-start", "start-kafka", "rpk"}

// tree lists the image without its binary, sorted.
func tree() ([]entry, error) {
	t := make(map[string]entry)
	add := func(e entry) { t[e.path] = e }
	for _, dir := range folders {
		add(entry{path: dir, mode: fs.ModeDir | 0o755})
	}
	for _, dir := range ownFolders {
		add(entry{path: dir, mode: fs.ModeDir | 0o775, own: true})
	}
	for _, dir := range dataFolders {
		add(entry{path: dir, mode: fs.ModeDir | fs.ModeSticky | 0o777, own: true})
	}
	add(entry{path: "tmp", mode: fs.ModeDir | fs.ModeSticky | 0o777})
	link := func(name string) { add(entry{path: name, mode: fs.ModeSymlink | 0o777, link: "/" + binaryPath}) }
	for _, name := range applets.Names() {
		link("usr/bin/" + name)
	}
	// With and without .sh, in every image's place.
	for _, name := range append(kafkatools.Names(), starters...) {
		link("usr/bin/" + name)
		if !strings.Contains(name, "-") { // rpk, cub, ub
			continue
		}
		link("usr/bin/" + name + ".sh")
		link("opt/kafka/bin/" + name + ".sh")
		link("opt/bitnami/kafka/bin/" + name + ".sh")
	}
	for _, name := range entryPoints {
		link(name)
	}
	// Where scripts name a shell: #!/bin/bash.
	add(entry{path: "bin", mode: fs.ModeSymlink | 0o777, link: "usr/bin"})
	add(entry{path: "sbin", mode: fs.ModeSymlink | 0o777, link: "usr/sbin"})
	err := fs.WalkDir(embedded, "tree", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := embedded.ReadFile(name)
		e := entry{path: strings.TrimPrefix(name, "tree/"), mode: 0o644, text: text}
		if strings.HasPrefix(e.path, "etc/confluent/docker/") {
			e.mode, e.own = 0o775, true
		}
		add(e)
		return err
	})
	if err != nil {
		return nil, err
	}
	for name := range t { // the folders above what is listed
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if _, there := t[dir]; !there {
				add(entry{path: dir, mode: fs.ModeDir | 0o755})
			}
		}
	}
	var all []entry
	for _, e := range t {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	return all, nil
}
