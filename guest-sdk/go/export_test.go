package guest

// Unserve has nothing be served until the function is called that it answers.
func Unserve() func() {
	served := newHandler
	newHandler = nil
	return func() { newHandler = served }
}
