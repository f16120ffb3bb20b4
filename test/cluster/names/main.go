// The cluster's name server: CoreDNS with the parts that resolve Services and pods, as in every cluster.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/template"
)

func main() {
	// The order in which a question goes through them: what is of no cluster comes to the last.
	dnsserver.Directives = []string{"errors", "cache", "kubernetes", "template"}
	coremain.Run()
}
