"""The demo shop: a made-up catalogue of electrical goods and the generator that draws it."""
