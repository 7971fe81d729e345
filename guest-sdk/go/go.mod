module socklet/guest

go 1.24
