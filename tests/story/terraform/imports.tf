# Keys of imported material.

resource "aws_kms_external_key" "own" {
  description             = "own key material, until a date"
  deletion_window_in_days = 7
  enabled                 = true
  key_material_base64     = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
  valid_to                = var.date
  tags                    = { team = "orders" }
}

resource "aws_kms_external_key" "waiting" {
  description             = "waits for its key material"
  deletion_window_in_days = 7
}
