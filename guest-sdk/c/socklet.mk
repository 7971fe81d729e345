# What a handler's Makefile includes, after it has set
#
#   NAME     the handler's name: build/NAME.core.wasm is made, for `socklet build`
#   SOURCES  its .c and .cpp files
#
# and, where it wants, CFLAGS, CXXFLAGS and LDFLAGS of its own. `make test` compiles with the
# first two as well, unless HOST_CFLAGS and HOST_CXXFLAGS are set. The compilers are clang
# and, for C++, clang++ with the standard library for wasm32: CC=… and CXX=… choose others,
# such as those of the wasi-sdk.

SOCKLET := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
BUILD ?= build
MODULE := $(BUILD)/$(NAME).core.wasm

ifneq ($(filter %.cpp,$(SOURCES)),)
  WITH_CXX := yes
endif

# make has defaults of its own for both, which make no WebAssembly. Debian's clang++ has no
# library for wasm32 unless it is of 19 or later. C has to be of the same age as the C++
# that it is linked with.
ifeq ($(origin CXX),default)
  CXX := $(firstword $(notdir $(shell command -v clang++-19 || command -v clang++)) clang++)
endif
ifeq ($(origin CC),default)
  CC := $(if $(WITH_CXX),$(subst clang++,clang,$(CXX)),clang)
endif

TARGET ?= --target=wasm32-wasi
# What compilers of C let pass with a warning, and is a mistake.
WRONG := -Werror=int-conversion -Werror=incompatible-pointer-types \
	-Werror=implicit-function-declaration
SIZE ?= -Os
ifeq ($(origin HOST_CFLAGS),undefined)
  HOST_CFLAGS := $(CFLAGS)
endif
ifeq ($(origin HOST_CXXFLAGS),undefined)
  HOST_CXXFLAGS := $(CXXFLAGS)
endif
override CFLAGS := $(TARGET) $(SIZE) -std=c11 -Wall -Wextra $(WRONG) -MMD -MP -I$(SOCKLET) $(CFLAGS)
override CXXFLAGS := $(TARGET) $(SIZE) -std=c++20 -fno-exceptions -fno-rtti -Wall -Wextra -MMD \
	-MP -I$(SOCKLET) $(CXXFLAGS)
# With the stack first, one that overflows ends the instance; else it would write over the
# static variables.
override LDFLAGS := $(TARGET) -mexec-model=reactor -Wl,--strip-all -Wl,--stack-first \
	-Wl,-z,stack-size=131072 -Wl,--fatal-warnings $(LDFLAGS)

SDK_SOURCES := $(wildcard $(SOCKLET)/src/*.c $(SOCKLET)/bindings/*.c)
OBJECTS := $(patsubst %,$(BUILD)/%.o,$(basename $(SOURCES)))
# Of the SDK the linker takes what is used.
SDK_OBJECTS := $(patsubst $(SOCKLET)/%.c,$(BUILD)/socklet/%.o,$(SDK_SOURCES))
ifeq ($(WITH_CXX),yes)
  SDK_OBJECTS += $(BUILD)/socklet/src/runtime.o
endif

LINK = $(if $(WITH_CXX),$(CXX),$(CC)) $(LDFLAGS) -o $@ $^
# What the linker says of a symbol that SOCKLET_EXPORT and its kin define, in other words.
EXPORT := SOCKLET_EXPORT$(if $(WITH_CXX),_TYPE(a class),(.on_ready = …, .on_message = …))
EXPLAIN := /undefined symbol: socklet_exported_handler/ { none = 1; next } \
	/undefined symbol: socklet_exported_alarm/ { deaf = 1; next } \
	/duplicate symbol: socklet_exported_/ { twice = 1 } \
	/^>>> referenced by .*socklet_exported_/ || /linker command failed/ { next } \
	{ print } \
	END { \
		if (none) print "$(NAME): no file of SOURCES says what the handler is: one has to have $(EXPORT) at its top level"; \
		if (deaf) print "$(NAME): it sets timers, and nothing hears of them: add SOCKLET_EXPORT_ALARM(function)"; \
		if (twice) print "$(NAME): the handler is exported twice: leave one SOCKLET_EXPORT of each kind in" \
	}

# A module of another name is one that the project had before it was renamed, and would be
# taken for a second handler.
$(MODULE): $(OBJECTS) $(SDK_OBJECTS)
	@$(LINK) 2>$(BUILD)/link.log || { awk '$(EXPLAIN)' $(BUILD)/link.log >&2; exit 1; }
	@cat $(BUILD)/link.log >&2
	@rm -f $(BUILD)/link.log $(filter-out $@,$(wildcard $(BUILD)/*.core.wasm))

$(OBJECTS) $(SDK_OBJECTS): $(MAKEFILE_LIST) | $(BUILD)/toolchain

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

$(BUILD)/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) -c -o $@ $<

$(BUILD)/socklet/%.o: $(SOCKLET)/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Wno-unused-parameter -c -o $@ $<

$(BUILD)/socklet/%.o: $(SOCKLET)/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) -c -o $@ $<

# Asked once, so that what is missing is named, and not the first header that is not found.
$(BUILD)/toolchain:
	@mkdir -p $(@D)
	@command -v $(CC) >/dev/null || { \
		echo '$(CC) is not there, which compiles the handler: install it with'; \
		echo '  $(INSTALL_C)'; exit 1; } >&2
	@$(CC) $(TARGET) -E -include stdlib.h -x c /dev/null >/dev/null 2>&1 || { \
		echo '$(CC) has no C library for wasm32-wasi: install it with'; \
		echo '  $(INSTALL_C)'; exit 1; } >&2
ifeq ($(WITH_CXX),yes)
	@command -v $(CXX) >/dev/null || { \
		echo '$(CXX) is not there, which compiles the handler: install it with'; \
		echo '  $(INSTALL_CXX)'; exit 1; } >&2
	@$(CXX) $(TARGET) -std=c++20 -E -include span -x c++ /dev/null >/dev/null 2>&1 || { \
		echo '$(CXX) has no C++ library for wasm32-wasi: install it with'; \
		echo '  $(INSTALL_CXX)'; exit 1; } >&2
endif
	@touch $@

INSTALL_C := apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32
INSTALL_CXX := apt-get install clang-19 lld-19 wasi-libc libc++-19-dev-wasm32 \
	libc++abi-19-dev-wasm32 libclang-rt-19-dev-wasm32

.PHONY: clean
clean:
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(SDK_OBJECTS:.o=.d)

# Tests run natively, in a host that is none: fake/fake.h. TESTS are their files, one of
# which has a `main`.
HOST_CC ?= $(if $(shell command -v cc),cc,$(CC))
HOST_CXX ?= $(if $(shell command -v c++),c++,$(CXX))
HOST_FLAGS := -g -Wall -Wextra -I$(SOCKLET)
# Of the bindings.
HOST_LOOSE := -Wno-attributes -Wno-unknown-attributes -Wno-unused-parameter
# Requests are answered by fake/, and not by way of wasi:http.
WITH_WASI := $(addprefix $(SOCKLET)/,bindings/socklet_http_raw.c src/http_code.c \
	src/http_receive.c src/http_send.c)
HOST_SOURCES := $(SOURCES) $(TESTS) $(filter-out $(WITH_WASI),$(SDK_SOURCES)) \
	$(wildcard $(SOCKLET)/fake/*.c)
HOST_OBJECTS := $(patsubst %,$(BUILD)/test/%.o,$(subst ../,up/,$(HOST_SOURCES)))

.PHONY: test
test: $(BUILD)/test/run
	$<

$(BUILD)/test/run: $(HOST_OBJECTS)
	$(if $(WITH_CXX),$(HOST_CXX) $(HOST_CXXFLAGS),$(HOST_CC) $(HOST_CFLAGS)) -o $@ $^

.SECONDEXPANSION:
$(BUILD)/test/%.c.o: $$(subst up/,../,$$*).c
	@mkdir -p $(@D)
	$(HOST_CC) -std=c11 $(HOST_FLAGS) $(HOST_CFLAGS) $(HOST_LOOSE) -MMD -MP -c -o $@ $<

$(BUILD)/test/%.cpp.o: $$(subst up/,../,$$*).cpp
	@mkdir -p $(@D)
	$(HOST_CXX) -std=c++20 $(HOST_FLAGS) $(HOST_CXXFLAGS) $(HOST_LOOSE) -MMD -MP -c -o $@ $<

-include $(HOST_OBJECTS:.o=.d)
