"""How each picture is drawn from the lake.

`registry` names them all and imports nothing heavy; `subject` says what a picture is of; `of_tables`, `of_data_set`,
`of_codes` and `of_models` draw; `stored` and `labels` read what they need. Only `of_models` needs torch.
"""
