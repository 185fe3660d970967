// The page has one form to send at once. Without this script a person sends it by a click.
"use strict";
document.querySelector("form[data-now]").submit();
