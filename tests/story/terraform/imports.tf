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

resource "aws_kms_external_key" "everywhere" {
  description             = "own key material, of several Regions"
  multi_region            = true
  deletion_window_in_days = 7
  key_material_base64     = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
}

resource "aws_kms_replica_external_key" "here" {
  description             = "own key material, here"
  primary_key_arn         = var.imported
  deletion_window_in_days = 7
  enabled                 = true
  key_material_base64     = var.material
}
