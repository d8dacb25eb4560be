<?php
$_['heading_title']      = 'Vitrina: photo search';

$_['text_extension']     = 'Extensions';
$_['text_edit']          = 'Photo search';
$_['text_success']       = 'The settings of the photo search are saved.';
$_['text_shown']         = 'shown in the search field';
$_['text_submit']        = 'in the shop\'s own search';
$_['text_panel']         = 'in a panel above the page';
$_['text_page_language'] = 'that of the page';
$_['text_new_token']     = 'make a new address; the old one stops working';

$_['entry_enabled']      = 'Photo button';
$_['entry_server']       = 'Address of the photo server';
$_['entry_input']        = 'Search field';
$_['entry_results']      = 'Goods are shown';
$_['entry_language']     = 'Language';
$_['entry_feed']         = 'Feed of the goods';

$_['help_server']        = 'The server must let this shop in; in its shop.toml:';
$_['help_input']         = 'A CSS selector. Empty: the fields that themes usually have.';
$_['help_feed']          = 'Keep the address to yourself: whoever knows it can read all goods on sale.';

$_['button_save']        = 'Save';
$_['button_back']        = 'Back';

$_['error_permission']   = 'You may not change these settings.';
$_['error_server']       = 'The address of the photo server is not an address such as https://photo.shop.example.';
$_['error_http']         = 'This shop is https, its photo server is not: browsers would block the button, so it is not shown.';
