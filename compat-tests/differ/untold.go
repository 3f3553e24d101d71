package differ

// untold are the advertised versions that no story tells, with the reason.
var untold = map[version]string{}
