# The front door.
#
#   make demo                   holes in photographs, filled from a collection (PHOTOS=folder for your own photographs)
#   make test                   everything that is checked
#   make tsan                   the unit tests with the thread sanitizer
#   make instruction_sets       the kernels' tests for SSE4.2, AVX-512, none at all and, emulated, NEON
#   make bench                  the list of benchmarks and experiments; bench/run NAME runs one
#   make setup                  installs what the above need
#   make format                 formats all sources, and writes the umbrella headers

export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
ifneq ($(shell command -v ninja),)
  export CMAKE_GENERATOR ?= Ninja
endif

.PHONY: help demo test tsan instruction_sets bench setup format

help:
	@sed -n 's/^#   //p' Makefile

demo:
	@tools/setup demo $(if $(PHOTOS),,--pictures)
	@tools/demo $(if $(PHOTOS),"$(PHOTOS)")

test:
	@tools/setup test
	@tools/test

tsan:
	@tools/setup tsan
	@tools/test tsan

instruction_sets:
	@tools/setup instruction_sets
	@tools/instruction_sets

bench:
	@bench/run

setup:
	@tools/setup test

format:
	@tools/setup test
	@tools/umbrella
	@tools/format
