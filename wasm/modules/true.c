/* SPDX-License-Identifier: MIT */
/* true */
int main(void)
{
	return 0;
}
