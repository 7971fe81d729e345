// Its being here lets functions have no body, which the host has.
//go:build wasip1

