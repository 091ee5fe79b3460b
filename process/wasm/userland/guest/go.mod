module dappco.re/go/cloche/userland

go 1.26.0

toolchain go1.26.8

require github.com/itchyny/gojq v0.12.17

require github.com/itchyny/timefmt-go v0.1.6 // indirect
