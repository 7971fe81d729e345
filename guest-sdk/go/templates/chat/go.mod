module {{name}}

go 1.24

require socklet/guest v0.0.0

replace socklet/guest => ./socklet-guest
