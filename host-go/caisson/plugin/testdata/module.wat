;; A core module, and no component.
(module (func (export "f")))
