;; error: function result cannot contain a `borrow` type
(component
  (type $R (resource (rep i32))) (type (func (result (borrow $R))))
)
